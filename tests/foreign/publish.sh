#!/bin/sh
# publish.sh MANAGEMENT_URL USER_ID: makes a user an employer
curl --silent --fail --header 'Content-Type: application/json' \
  "$1/api/exchanges/%2F/hirewire.events/publish" \
  --data '{
    "routing_key": "employer.profile.created",
    "properties": {"delivery_mode": 2, "message_id": "by hand '"$2"'"},
    "payload": "{\"userId\": \"'"$2"'\", \"companyId\": \"01912d60-9c15-7b6e-a2f3-7e4d1c8b5a92\", \"phone\": null}",
    "payload_encoding": "string"
  }'
