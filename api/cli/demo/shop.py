"""Kiln & Kettle, a small shop for tea and tableware in Utrecht: who works there, who buys, and what things cost."""

from typing import Any, NamedTuple

SHOP_APPLICATION = "65f0a1c2b3d4e5f607182930"


class Person(NamedTuple):
    """Somebody who does things to orders: a customer, somebody of the staff, or a program."""

    id: str
    name: str
    type: str = "Customer"
    application_id: str = SHOP_APPLICATION

    def actor(self) -> dict[str, str]:
        return self._asdict()


class Product(NamedTuple):
    """Something to buy, with its price in euro cents."""

    name: str
    cents: int


INGRID = Person("65f0c0000000000000000001", "Ingrid Dahl")
JONAS = Person("65f0c0000000000000000002", "Jonas Weber")
CLARA = Person("65f0c0000000000000000003", "Clara Weber")
PRIYA = Person("65f0c0000000000000000004", "Priya Nair")
ELIF = Person("65f0c0000000000000000005", "Elif Kaya")
MARCO = Person("65f0c0000000000000000006", "Marco Rossi")
CAFE_ZWAAN = Person("65f0c0000000000000000007", "Café Zwaan, Noor de Wit")
AIKO = Person("65f0c0000000000000000008", "Aiko Tanaka")

SANNE = Person("65f0d0000000000000000001", "Sanne Bakker", "User")
DIRK = Person("65f0d0000000000000000002", "Dirk Jansen", "User")

SHOP = Person(SHOP_APPLICATION, "Web shop", "Application")
PAYMENT = Person("65f0e0000000000000000001", "Payment service", "Application", "65f0e0000000000000000001")
WAREHOUSE = Person("65f0e0000000000000000002", "Warehouse", "Application", "65f0e0000000000000000002")
SHIPPING = Person("65f0e0000000000000000003", "Shipping service", "Application", "65f0e0000000000000000003")
NOTIFICATIONS = Person("65f0e0000000000000000004", "Notifications", "Application", "65f0e0000000000000000004")
SERVICES = {"payment": PAYMENT, "warehouse": WAREHOUSE, "shipping": SHIPPING, "notifications": NOTIFICATIONS}

TEAPOT = Product("Teapot Tsuru, Tokoname clay", 58_00)
CUP = Product("Cup Nami", 18_00)
BOWL = Product("Matcha bowl", 34_00)
WHISK = Product("Bamboo whisk", 16_00)
KETTLE = Product("Gooseneck kettle", 89_00)
SENCHA = Product("Sencha, 100 g", 14_50)
GYOKURO = Product("Gyokuro, 50 g", 22_00)
HOJICHA = Product("Hojicha for cafés, 1 kg", 46_00)


def money(cents: int) -> dict[str, Any]:
    """An amount in euro."""
    dollars = cents / 100
    return {
        "cents": cents,
        "currency_iso": "EUR",
        "currency_symbol": "€",
        "label": f"€{dollars:,.2f}".removesuffix(".00"),
        "dollars": dollars,
    }


def money_of(*lines: Product) -> dict[str, Any]:
    """What products cost together."""
    return money(sum(product.cents for product in lines))


def totals(*lines: Product, discount: int) -> dict[str, Any]:
    """What an order of these products amounts to, less a discount in cents."""
    subtotal = sum(product.cents for product in lines)
    return {"total": money(subtotal - discount), "subtotal": money(subtotal), "discount": money(discount)}
