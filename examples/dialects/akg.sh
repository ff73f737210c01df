#!/bin/sh
# The walk through the document of the dialect `akg`, against a running demo, which is started with
#
#   cargo run -- demo --data demo-data
#
# and then:  examples/dialects/akg.sh [BASE] [URL] [KEY-FILE]
#
# The key is made by the operator, as the document has it. The phone and the waiting are not in the
# document: who scans the QR is simulated, and told its text by the native API.
set -eu

base="${1:-http://127.0.0.1:3000/akg}"
url="${2:-http://127.0.0.1:3000}"
key_file="${3:-demo-data/admin.key}"
[ -r "$key_file" ] || { echo "no key in $key_file; start the demo with --data demo-data" >&2; exit 2; }
number="1558$(date +%H%M%S)"
session="marketing-$number"

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
# api METHOD PATH [BODY]: this dialect, with its key.
api() {
    curl -sS --fail-with-body -X "$1" "$base$2" -H "X-API-Key: $api_key" \
        -H 'Content-Type: application/json' ${3:+-d "$3"}
    echo
}

step "a key"
api_key=$(native /keys -d '{"name": "crm", "scopes": ["manage"], "dialect": "akg"}' | field secret)
curl -sS --fail-with-body "$base/api/sessions" -H "X-API-Key: $api_key"

step "a webhook for all sessions"
api POST /api/webhooks '{
  "name": "CRM Integration",
  "url": "http://127.0.0.1:9/api/webhook",
  "events": [
    "message.upsert",
    "connection.update"
  ]
}'

step "create a session and scan its QR with a simulated phone"
native /simulator/contacts -d "{\"number\": \"+$number\", \"name\": \"Owner\"}"
api POST /api/sessions "{ \"sessionId\": \"$session\" }"
api GET "/api/sessions/$session/qrcode" | grep -q 'data:image/png;base64,'
qr=$(native "/sessions/$session/qr" | field text)
native "/simulator/contacts/$number/scan" -d "{\"qr\": \"$qr\"}"

step "wait until it is connected"
tries=0
until api GET /api/sessions | tr '{' '\n' | grep "\"$session\"" | grep -q '"CONNECTED"'; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "not connected within 20 s" >&2; exit 1; }
    sleep 0.2
done

step "send a message, and read the chat"
api POST /api/chat/send "{
  \"sessionId\": \"$session\",
  \"jid\": \"15550100@s.whatsapp.net\",
  \"message\": {
    \"text\": \"Hello World!\"
  }
}"
api GET "/api/chat/$session/15550100@s.whatsapp.net" | grep -q 'Hello World!'
api GET "/api/groups/$session"

step "a message for later"
tomorrow=$(date -u -d '+1 day' +%Y-%m-%dT07:00:00 2>/dev/null || date -u -v+1d +%Y-%m-%dT07:00:00)
api POST /api/scheduler "{
  \"sessionId\": \"$session\",
  \"jid\": \"15550100@s.whatsapp.net\",
  \"content\": \"Good morning!\",
  \"sendAt\": \"$tomorrow\"
}"
api GET "/api/scheduler?sessionId=$session"

step "a broadcast"
api POST /api/messages/broadcast "{
  \"sessionId\": \"$session\",
  \"recipients\": [
    \"15550100@s.whatsapp.net\"
  ],
  \"message\": \"Promo content here...\",
  \"delay\": 5000
}"

step "an answer by keyword"
api POST /api/autoreplies "{
  \"sessionId\": \"$session\",
  \"keyword\": \"price\",
  \"response\": \"Our prices start at \$10\",
  \"matchType\": \"CONTAINS\"
}"
native /simulator/contacts/15550100/messages -d "{\"to\": \"$number\", \"text\": \"what is the price?\"}"
tries=0
until api GET "/api/chat/$session/15550100@s.whatsapp.net" | grep -q 'Our prices start at'; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "no answer within 20 s" >&2; exit 1; }
    sleep 0.2
done

step "delete the session"
api DELETE "/api/sessions/$session"
printf '\ndone\n'
