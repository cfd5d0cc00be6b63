"""Ingrid's birthday present: a chipped teapot, a split order, a carrier that fails once, two deliveries."""

from api.cli.demo.calls import Answer, Parcel, Took, call, webhook
from api.cli.demo.shop import CUP, DIRK, INGRID, NOTIFICATIONS, PAYMENT, SANNE, SENCHA, SHIPPING, SHOP, TEAPOT
from api.cli.demo.steps import change, edited, euros, event, live, of_order, placed, split, state

PARENT = "KK-1001"
CHILD = "KK-1001-B"

DRY_GOODS = Parcel("dhl-parcel", "SHP-20418")
FRAGILE = Parcel("dhl-parcel", "SHP-20533")
DHL = "https://api.dhl-parcel.example/v2/shipments"
LABEL = "4be1c2a07d9f4c1b"
"""What ties the carrier's outage together: both calls, the service's states, and what became of the order."""
ADDRESSED = {"reference": PARENT, "receiver": {"name": "Ingrid Dahl", "city": "Utrecht"}, "weight_grams": 1840}

WITHOUT_TEAPOT = (CUP, CUP, CUP, CUP, SENCHA, SENCHA)
WELCOME_VOUCHER = 5_00

STEPS = (
    of_order(
        PARENT,
        placed(
            "1 09:12",
            PARENT,
            INGRID,
            TEAPOT,
            *(CUP, CUP, CUP, CUP, SENCHA),
            discount=WELCOME_VOUCHER,
            reference="web-77201",
        ),
        event("1 09:12:20", "payment_status_updated", PAYMENT, status="pending", reason="iDEAL session opened"),
        event("1 09:13:05", "payment_status_updated", PAYMENT, status="completed", reason="€139.50 paid with iDEAL"),
        state("1 09:13:05", "payment", "success", "captured", "€139.50 captured", provider="Dintero", method="iDEAL"),
        event("1 09:13:10", "status_updated", SHOP, status="confirmed", reason="paid"),
        event(
            "1 11:47",
            "comment_added",
            INGRID,
            text="It is a birthday present: please put no prices in the box. And another tin of sencha, if I may!",
        ),
        edited("1 15:40", SANNE, TEAPOT, *WITHOUT_TEAPOT, discount=WELCOME_VOUCHER),
        event("1 15:55", "payment_status_updated", PAYMENT, status="completed", reason="€14.50 paid by payment link"),
        state("2 08:30", "warehouse", "pending", "picking", "On Dirk's list", bin="C-14"),
        state("2 10:05", "warehouse", "failure", "damaged", "The last teapot in the bin is chipped", bin="C-14"),
        event(
            "2 10:20",
            "comment_added",
            SANNE,
            text="Called the customer: ship the rest today, the teapot when Tokoname delivers.",
            is_private=True,
        ),
        split("2 10:25", SANNE, CHILD, TEAPOT),
        state("2 11:10", "warehouse", "success", "packed", "Packed without the teapot", parcels=1, bin="C-14"),
        call(
            "2 11:30",
            "SHIPMENT_CREATE",
            f"POST {DHL}",
            Took(dns=11, tcp=18, tls=43, overhead=3, wait=2840, receive=2),
            parcel=DRY_GOODS,
            sent=ADDRESSED,
            answer=Answer(503, {"title": "Service Unavailable", "detail": "Label printing is down for maintenance"}),
            correlation=LABEL,
        ),
        state("2 11:30:04", "shipping", "failure", "carrier_unavailable", "DHL answered 503", correlation=LABEL),
        event(
            "2 11:30:05",
            "shipment_execution_failed",
            SHIPPING,
            message="DHL Parcel: label printing is down for maintenance",
            correlation=LABEL,
        ),
        call(
            "2 12:15",
            "SHIPMENT_CREATE",
            f"POST {DHL}",
            Took(wait=312, receive=4),
            parcel=DRY_GOODS,
            sent=ADDRESSED,
            answer=Answer(201, {"id": "SHP-20418", "barcode": "JVGL0612345678901234", "label": "pdf"}),
            correlation=LABEL,
        ),
        state(
            "2 12:15:01",
            "shipping",
            "success",
            "label_created",
            "Label created at the second try",
            correlation=LABEL,
            barcode="JVGL0612345678901234",
        ),
        event("2 12:15:02", "shipment_id_set", SHIPPING, shipment_id="SHP-20418", correlation=LABEL),
        event("2 16:02", "delivery_status_updated", SHIPPING, status="shipped", correlation=LABEL),
        event("2 16:05", "delivery_remark_created", SANNE, text="Neighbours at number 14 take parcels"),
        event("2 18:30", "delivery_remark_updated", SANNE, text="Nobody at home tomorrow: bring it to a service point"),
        event("2 18:31", "delivery_details_updated", SANNE),
        webhook(
            "3 07:44",
            "/dhl/track",
            Took(wait=9),
            DRY_GOODS,
            {"id": "SHP-20418", "status": "IN_TRANSIT", "location": "Utrecht hub"},
        ),
        event("3 07:44:01", "ref_delivery_status_updated", SHIPPING, status="IN_TRANSIT"),
        event(
            "3 09:20",
            "delivery_location_updated",
            INGRID,
            location_name=change("DHL point Oudegracht", "DHL point Vredenburg"),
        ),
        webhook(
            "3 13:05",
            "/dhl/track",
            Took(wait=7),
            DRY_GOODS,
            {"id": "SHP-20418", "status": "AT_SERVICE_POINT", "location": "DHL point Vredenburg"},
        ),
        event("3 13:05:01", "delivery_status_updated", SHIPPING, status="arrived"),
        state("3 13:05:02", "notifications", "success", "pickup_mail_sent", "Mail: your parcel is there"),
        event("3 17:38", "delivery_status_updated", SHIPPING, status="collected"),
        event("3 18:00", "invoice_created", SHOP),
        event("3 18:00:05", "status_updated", SHOP, status="completed", reason="collected"),
        live("notifications", "success", "review_mail_sent", "Mail: how do you like it?", template="review"),
    ),
    of_order(
        CHILD,
        event(
            "2 10:26",
            "payment_status_updated",
            PAYMENT,
            status="completed",
            reason=f"{euros(TEAPOT)} of {PARENT}'s payment",
        ),
        state("2 10:27", "payment", "success", "captured", f"Captured with {PARENT}"),
        state("2 10:30", "warehouse", "pending", "on_backorder", "Tokoname delivers in four days"),
        state("6 09:05", "warehouse", "success", "packed", "Teapot checked twice, no chips", checked_by="Dirk"),
        event("6 09:10", "comment_added", DIRK, text="Double-boxed, with a handwritten card."),
        call(
            "6 09:30",
            "SHIPMENT_CREATE",
            f"POST {DHL}",
            Took(dns=6, tcp=17, tls=39, overhead=2, wait=287, receive=3),
            parcel=FRAGILE,
            sent={**ADDRESSED, "reference": CHILD, "weight_grams": 920, "options": ["FRAGILE"]},
            answer=Answer(201, {"id": "SHP-20533", "barcode": "JVGL0612345678905678", "label": "pdf"}),
        ),
        event("6 09:30:01", "shipment_id_set", SHIPPING, shipment_id="SHP-20533"),
        state("6 09:30:02", "shipping", "success", "label_created", "Label created", barcode="JVGL0612345678905678"),
        event("6 15:45", "delivery_status_updated", SHIPPING, status="shipped"),
        event("7 11:12", "delivery_status_updated", SHIPPING, status="arrived"),
        event("7 11:12:05", "status_updated", SHOP, status="completed", reason="delivered"),
        event("7 11:15", "comment_added", NOTIFICATIONS, text="Mail: your teapot is on the doormat."),
    ),
)
