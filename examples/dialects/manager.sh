#!/bin/sh
# The walk through the document of the dialect `manager`, against a running demo, which is started with
#
#   cargo run -- demo --data demo-data
#
# and then:  examples/dialects/manager.sh [BASE] [URL] [KEY-FILE]
#
# Only the phone, the receiver of the webhook and the waiting are not in the document: who scans the QR
# is simulated, and told its text by the native API.
set -eu

base="${1:-http://127.0.0.1:3000/manager}/api"
url="${2:-http://127.0.0.1:3000}"
key_file="${3:-demo-data/admin.key}"
[ -r "$key_file" ] || { echo "no key in $key_file; start the demo with --data demo-data" >&2; exit 2; }
number="1557$(date +%H%M%S)"

step() { printf '\n# %s\n' "$*"; }
# number NAME: the number of that field in the JSON that comes in.
number() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"; }
# native PATH [CURL OPTIONS]: the native API, as its admin.
native() {
    path="$1"
    shift
    printf 'header = "X-API-Key: %s"\n' "$(cat "$key_file")" |
        curl -sS --fail-with-body -K - -H 'Content-Type: application/json' "$@" "$url/v1$path"
}
# api METHOD PATH [BODY]: this dialect. Nothing is shown, as the document has it.
api() {
    curl -sS --fail-with-body -X "$1" "$base$2" -H 'Content-Type: application/json' ${3:+-d "$3"}
    echo
}

step "create a session, and call it otherwise"
api GET /sessions
id=$(api POST /sessions "{
  \"session_name\": \"My Session $number\",
  \"webhook_url\": \"http://127.0.0.1:9/my-webhook\",
  \"user_id\": 1
}" | number id)
api GET "/sessions/$id"
api PUT "/sessions/$id" "{
  \"session_name\": \"Updated Session Name $number\",
  \"webhook_url\": \"http://127.0.0.1:9/updated-webhook\"
}"

step "start it and scan its QR with a simulated phone"
native /simulator/contacts -d "{\"number\": \"+$number\", \"name\": \"Owner\"}"
api POST "/sessions/$id/start"
api GET "/sessions/$id/qr" | grep -q 'data:image/png;base64,'
# Sessions of the native API have names that are made from what they were called first.
name=$(native /sessions | tr '{' '\n' | sed -n "s/.*\"name\":\"\(MySession$number-[^\"]*\)\".*/\1/p")
qr=$(native "/sessions/$name/qr" | sed -n 's/.*"text":"\([^"]*\)".*/\1/p')
native "/simulator/contacts/$number/scan" -d "{\"qr\": \"$qr\"}"

step "wait until it is connected"
tries=0
until api GET "/sessions/$id" | grep -q '"status":"connected"'; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "not connected within 20 s" >&2; exit 1; }
    sleep 0.2
done

step "webhooks"
webhook=$(api POST "/webhook/$id/register" '{
  "url": "http://127.0.0.1:9/my-webhook",
  "secret": "my-secret-key",
  "events": ["message", "status"]
}' | number id)
api GET "/webhook/$id"
api DELETE "/webhook/$webhook"

step "send a message"
message=$(api POST "/messages/session/$id/send" '{
  "to": "15550100@c.us",
  "message": "Hello from WhatsApp Management System!"
}' | number id)
api GET "/messages/$message"

step "a customer writes, and is answered by way of the webhook"
native /simulator/contacts/15550100/messages -d "{\"to\": \"$number\", \"text\": \"Hello, world!\"}"
tries=0
until api GET "/messages/session/$id?limit=50&offset=0&phone=15550100" | grep -q 'Hello, world!'; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "nothing came within 20 s" >&2; exit 1; }
    sleep 0.2
done
api POST "/webhook/$id" '{
  "message_id": "ABCDEF1234567890",
  "reply_to": "15550100@c.us",
  "reply_message": "This is a reply to your message"
}'

step "stop and delete the session"
api POST "/sessions/$id/stop"
api DELETE "/sessions/$id"
printf '\ndone\n'
