#!/bin/sh
# The walk through the document of the dialect `suite`, against a running demo, which is started with
#
#   cargo run -- demo --data demo-data
#
# and then:  examples/dialects/suite.sh [BASE] [URL] [KEY-FILE]
#
# Only the first step and the phone are not in the document: who scans the QR is simulated, and told
# its text by the native API.
set -eu

base="${1:-http://127.0.0.1:3100}/api"
url="${2:-http://127.0.0.1:3000}"
key_file="${3:-demo-data/admin.key}"
[ -r "$key_file" ] || { echo "no key in $key_file; start the demo with --data demo-data" >&2; exit 2; }
number="1556$(date +%H%M%S)"
name="user_$number"

step() { printf '\n# %s\n' "$*"; }
# field NAME: the text of that field in the JSON that comes in.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
# native PATH [CURL OPTIONS]: the native API, as its admin.
native() {
    path="$1"
    shift
    printf 'header = "X-API-Key: %s"\n' "$(cat "$key_file")" |
        curl -sS --fail-with-body -K - -H 'Content-Type: application/json' "$@" "$url/v1$path"
}
# api METHOD PATH [BODY]: this dialect, as whoever has logged in.
api() {
    curl -sS --fail-with-body -X "$1" "$base$2" -H "Authorization: Bearer $token" \
        -H 'Content-Type: application/json' ${3:+-d "$3"}
    echo
}

step "somebody with a phone"
native /simulator/contacts -d "{\"number\": \"+$number\", \"name\": \"Owner\"}"

step "register and log in"
curl -sS --fail-with-body "$base/auth/register" -H 'Content-Type: application/json' \
    -d "{\"username\": \"$name\", \"email\": \"$name@example.com\", \"password\": \"secure_password123\"}" | field message
token=$(curl -sS --fail-with-body "$base/auth/login" -H 'Content-Type: application/json' \
    -d "{\"username\": \"$name\", \"password\": \"secure_password123\"}" | field token)
api GET /auth/profile

step "create a session, start it and scan its QR"
id=$(api POST /sessions '{"name": "My Session", "description": "Production session for customer support"}' |
    sed -n 's/.*"id":"\([0-9a-f]\{32\}\)".*/\1/p')
api POST "/sessions/$id/start"
api GET "/sessions/$id/qr" | field message
qr=$(native "/sessions/$id/qr" | field text)
native "/simulator/contacts/$number/scan" -d "{\"qr\": \"$qr\"}"

step "wait until it is connected"
tries=0
until api GET "/sessions/$id/status" | grep -q '"status":"connected"'; do
    tries=$((tries + 1))
    [ "$tries" -lt 50 ] || { echo "not connected within 20 s" >&2; exit 1; }
    sleep 0.4
done
api GET "/sessions/$id/status"

step "a webhook"
api PUT "/webhook/config/$id" '{"url": "http://127.0.0.1:9/webhook", "events": ["message", "status"], "secret": "your_webhook_secret"}'
api GET "/webhook/stats/$id"

step "send messages"
api POST /messages/send/text "{\"sessionId\": \"$id\", \"to\": \"15550100\", \"text\": \"Hello! This is a test message\"}"
api POST /messages/send/location "{\"sessionId\": \"$id\", \"to\": \"15550100\", \"latitude\": 37.7749, \"longitude\": -122.4194,
    \"name\": \"San Francisco\", \"address\": \"San Francisco, CA, USA\"}"
api POST /messages/send/bulk "{\"sessionId\": \"$id\", \"messages\": [
    {\"to\": \"15550100\", \"text\": \"Hello {{name}}!\", \"variables\": {\"name\": \"John\"}}]}"

step "the history, and counts"
api GET "/messages/history/$id?limit=20&offset=0"
api GET "/messages/stats/$id"
api GET /status

step "delete the session and the account"
api DELETE "/sessions/$id"
api DELETE /auth/account
printf '\ndone\n'
