-- name: create
SELECT ordertrail.create_ending_credential(
    %(tenant)s::text, %(key_id)s::text, %(secret_digest)s::bytea, %(scopes)s::text[], %(name)s::text,
    %(expires_at)s::timestamptz
)

-- name: revoke
SELECT ordertrail.revoke_credential(%(tenant)s::text, %(key_id)s::text)
