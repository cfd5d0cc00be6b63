"""The last days: one order that goes just as it should, one whose services are still busy with it today."""

from api.cli.demo.calls import Answer, Parcel, Took, call, webhook
from api.cli.demo.shop import AIKO, BOWL, GYOKURO, MARCO, PAYMENT, SENCHA, SHIPPING, SHOP, TEAPOT, WHISK
from api.cli.demo.steps import event, live, of_order, placed, state

SMOOTH = "KK-1006"
BUSY = "KK-1007"

PARCEL = Parcel("dpd", "05212345678901")
DPD = "https://api.dpd.example/shipping/v1/shipment"
PICKED_UP = "a90d3c55e17b4f02"

STEPS = (
    of_order(
        SMOOTH,
        placed("7 18:20", SMOOTH, MARCO, BOWL, SENCHA, SENCHA, reference="web-77318"),
        event("7 18:20:35", "payment_status_updated", PAYMENT, status="completed", reason="€63.00 with PayPal"),
        state("7 18:20:36", "payment", "success", "captured", "€63.00 captured", method="PayPal"),
        event("7 18:20:40", "status_updated", SHOP, status="confirmed", reason="paid"),
        state("8 08:50", "warehouse", "success", "packed", "One parcel", parcels=1),
        call(
            "8 09:10",
            "SHIPMENT_CREATE",
            f"POST {DPD}",
            Took(dns=8, tcp=21, tls=47, overhead=2, wait=244, receive=3),
            parcel=PARCEL,
            sent={"orderId": SMOOTH, "product": "CL", "parcels": [{"weight": 110}]},
            answer=Answer(200, {"parcelLabelNumber": "05212345678901"}),
            correlation=PICKED_UP,
        ),
        state("8 09:10:01", "shipping", "success", "label_created", "Label created", correlation=PICKED_UP),
        event("8 09:10:02", "shipment_id_set", SHIPPING, shipment_id="05212345678901", correlation=PICKED_UP),
        webhook(
            "8 15:32",
            "/dpd/track",
            Took(wait=6),
            PARCEL,
            {"parcel": "05212345678901", "scan": "PICKED_UP", "depot": "0521"},
            correlation=PICKED_UP,
        ),
        event("8 15:32:01", "delivery_status_updated", SHIPPING, status="shipped", correlation=PICKED_UP),
        call(
            "9 08:00",
            "SHIPMENT_HANDLER_TRACK",
            f"GET {DPD}/05212345678901/status",
            Took(wait=88, receive=2),
            parcel=PARCEL,
            answer=Answer(200, {"parcel": "05212345678901", "scan": "OUT_FOR_DELIVERY"}),
        ),
        event("9 08:00:01", "ref_delivery_status_updated", SHIPPING, status="OUT_FOR_DELIVERY"),
        event("9 12:14", "delivery_status_updated", SHIPPING, status="arrived"),
        state("9 12:14:01", "shipping", "success", "delivered", "Handed over at the door"),
        event("9 12:20", "status_updated", SHOP, status="completed", reason="delivered"),
        live("notifications", "success", "review_mail_sent", "Mail: how do you like it?", template="review"),
    ),
    of_order(
        BUSY,
        placed("10 21:54", BUSY, AIKO, TEAPOT, BOWL, WHISK, GYOKURO, discount=13_00, reference="web-77402"),
        event("10 21:54:30", "payment_status_updated", PAYMENT, status="pending", reason="card is checked"),
        live("payment", "error", "gateway_timeout", "The card's bank did not answer", provider="Dintero", attempt=1),
        live("payment", "failure", "declined", "The card's bank said no: limit reached", attempt=2),
        live("notifications", "success", "retry_mail_sent", "Mail: please try another card"),
        live("payment", "success", "authorized", "€117.00 authorized on another card", attempt=3),
        live("warehouse", "pending", "picking", "On Dirk's list", bin="A-02"),
        live(
            "shipping", "pending", "waiting_for_parcel", "DPD comes at four", pickup={"carrier": "dpd", "at": "16:00"}
        ),
    ),
)
