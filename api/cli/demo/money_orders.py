"""Orders whose money takes detours: a bank transfer, a chargeback, a cancellation, an invoice."""

from api.cli.demo.calls import Answer, Parcel, Took, call
from api.cli.demo.shop import (
    BOWL,
    CAFE_ZWAAN,
    CLARA,
    CUP,
    DIRK,
    ELIF,
    GYOKURO,
    HOJICHA,
    JONAS,
    KETTLE,
    PAYMENT,
    PRIYA,
    SANNE,
    SENCHA,
    SHIPPING,
    SHOP,
    WHISK,
)
from api.cli.demo.steps import change, event, invoice_updated, live, of_order, placed, state, transferred

PARCEL = Parcel("postnl", "3SKETL0042117")
POSTNL = "https://api.postnl.example/v4/shipment"

BANK_TRANSFER = of_order(
    "KK-1002",
    placed("1 20:31", "KK-1002", JONAS, BOWL, WHISK, GYOKURO, reference="web-77214"),
    event("1 20:31:30", "payment_status_updated", PAYMENT, status="pending", reason="waiting for a bank transfer"),
    state("1 20:31:31", "payment", "pending", "awaiting_transfer", "€72.00 by bank transfer", reference="KK-1002"),
    event("3 08:15", "payment_slip_added", JONAS),
    event("3 08:40", "amount_unmatched", PAYMENT, amount="€70.00"),
    event("3 09:05", "comment_added", SANNE, text="€2.00 short. Asked Jonas; his bank kept a fee.", is_private=True),
    event("4 07:30", "payment_slip_added", JONAS),
    event("4 08:02", "payment_status_updated", PAYMENT, status="completed", reason="€70.00 + €2.00 received"),
    state("4 08:02:01", "payment", "success", "settled", "€72.00 received in two transfers", transfers=2),
    event("4 08:02:05", "status_updated", SHOP, status="confirmed", reason="paid"),
    event("4 10:00", "comment_added", JONAS, text="It is for my wife: please put everything in Clara's name."),
    transferred("4 10:12", SANNE, CLARA),
    event("4 10:13", "customer_details_updated", SANNE),
    state("4 13:00", "warehouse", "success", "packed", "One parcel", parcels=1),
    event("4 16:00", "delivery_status_updated", SHIPPING, status="shipped"),
    event("5 12:21", "delivery_status_updated", SHIPPING, status="arrived"),
    state("5 12:21:01", "shipping", "success", "delivered", "Signed for by C. Weber", signed_by="C. Weber"),
    event("5 12:30", "status_updated", SHOP, status="completed", reason="delivered"),
)

CHARGEBACK = of_order(
    "KK-1003",
    placed("2 13:02", "KK-1003", PRIYA, KETTLE, CUP, CUP, discount=10_00, reference="web-77239"),
    event("2 13:02:40", "payment_status_updated", PAYMENT, status="completed", reason="€115.00 by card"),
    state("2 13:02:41", "payment", "success", "captured", "€115.00 captured", method="card", last_digits="4242"),
    event("2 13:02:45", "status_updated", SHOP, status="confirmed", reason="paid"),
    state("2 14:30", "warehouse", "success", "packed", "Two parcels", parcels=2),
    event("2 16:00", "delivery_status_updated", SHIPPING, status="shipped"),
    event("3 10:48", "delivery_status_updated", SHIPPING, status="arrived"),
    state("3 10:48:01", "shipping", "success", "delivered", "Signed for by P. Nair", signed_by="P. Nair"),
    event("5 09:00", "chargeback_requested", PAYMENT),
    event("5 09:20", "comment_added", SANNE, text="Her bank says it was not delivered; DHL has her signature."),
    event("5 14:10", "chargeback_under_review", PAYMENT),
    event("5 15:00", "comment_added", SANNE, text="Sent the proof of delivery to the bank.", is_private=True),
    event("9 10:30", "chargeback_won", PAYMENT),
    event("9 10:45", "comment_added", PRIYA, text="So sorry, my neighbour had it all along. The kettle is lovely!"),
    event("9 11:00", "status_updated", SHOP, status="completed", reason="chargeback won"),
)

CANCELLED = of_order(
    "KK-1004",
    placed("3 19:05", "KK-1004", ELIF, CUP, CUP, SENCHA, reference="web-77260"),
    event("3 19:05:30", "payment_status_updated", PAYMENT, status="completed", reason="€50.50 with iDEAL"),
    state("3 19:05:31", "payment", "success", "captured", "€50.50 captured", method="iDEAL"),
    event("3 19:05:35", "status_updated", SHOP, status="confirmed", reason="paid"),
    call(
        "4 08:20",
        "SHIPMENT_CREATE",
        f"POST {POSTNL}",
        Took(dns=9, tcp=14, tls=36, overhead=2, wait=198, receive=2),
        parcel=PARCEL,
        sent={"Reference": "KK-1004", "ProductCodeDelivery": "3085"},
        answer=Answer(200, {"Barcode": "3SKETL0042117"}),
    ),
    event("4 08:20:01", "shipment_id_set", SHIPPING, shipment_id="3SKETL0042117"),
    event("4 09:41", "cancellation_requested", ELIF, reason="ordered twice", performer_ip="203.0.113.58"),
    event("4 09:41:02", "cancellation_failed", SHOP, reason="a label exists already", performer_ip="203.0.113.58"),
    call(
        "4 09:41:03",
        "SHIPMENT_CANCEL",
        f"DELETE {POSTNL}/3SKETL0042117",
        Took(wait=10_000, receive=0),
        parcel=PARCEL,
    ),
    event("4 09:41:14", "shipment_cancellation_failed", SHIPPING, message="PostNL did not answer within 10 s"),
    event("4 10:02", "comment_added", DIRK, text="Took the parcel off the cart by hand."),
    event("4 10:05", "status_updated", SANNE, status="cancelled", reason="ordered twice"),
    event("4 10:06", "payment_status_updated", PAYMENT, status="refunding", reason="order cancelled"),
    event("5 03:00", "payment_status_updated", PAYMENT, status="refunded", reason="€50.50 returned"),
    state("5 03:00:01", "payment", "success", "refunded", "€50.50 returned", method="iDEAL"),
)

INVOICED = of_order(
    "KK-1005",
    placed("5 10:00", "KK-1005", CAFE_ZWAAN, HOJICHA, HOJICHA, KETTLE, reference="b2b-0311", created_by="admin"),
    event(
        "5 10:04",
        "payment_method_changed",
        SANNE,
        method=change({"en": "Card", "nl": "Kaart"}, {"en": "Invoice, 14 days", "nl": "Factuur, 14 dagen"}),
    ),
    event("5 10:06", "invoice_request_updated", CAFE_ZWAAN),
    event(
        "5 10:20",
        "product_subscription_created",
        CAFE_ZWAAN,
        product_subscription_id="SUB-118",
        product_title="Hojicha for cafés, 1 kg, every month",
    ),
    event("5 10:30", "invoice_created", SANNE),
    event("5 10:41", "comment_added", CAFE_ZWAAN, text="Our address moved: the invoice still has the old one."),
    event("5 10:55", "invoice_cancelled", SANNE),
    event("5 11:00", "invoice_created", SANNE),
    event("5 11:02", "status_updated", SANNE, status="confirmed", reason="known customer"),
    event(
        "5 11:30",
        "delivery_method_changed",
        SANNE,
        method=change({"en": "Parcel", "nl": "Pakket"}, {"en": "Cargo bike", "nl": "Bakfiets"}),
    ),
    state("5 14:00", "warehouse", "success", "packed", "One crate", crates=1),
    event("5 15:20", "delivery_status_updated", DIRK, status="arrived"),
    state("5 15:20:01", "shipping", "success", "delivered", "Dirk cycled it over; got an espresso"),
    invoice_updated("8 09:00", PAYMENT, "open", "5 11:00", "paid"),
    event("8 09:00:01", "payment_status_updated", PAYMENT, status="completed", reason="€181.00 by bank transfer"),
    state("8 09:00:02", "payment", "success", "settled", "€181.00 received", invoice="INV-0311"),
    event("8 09:05", "status_updated", SHOP, status="completed", reason="paid"),
    live("notifications", "success", "subscription_mail_sent", "Mail: the next kilo is on its way"),
)

STEPS = (BANK_TRANSFER, CHARGEBACK, CANCELLED, INVOICED)
