"""What commands do to tenants: list, delete, forget, sign-in links."""
