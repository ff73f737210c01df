#!/bin/sh
# The walk through the document of the dialect `gateway`, against a running demo, which is started with
#
#   cargo run -- demo --data demo-data
#
# and then:  examples/dialects/gateway.sh [BASE] [URL] [KEY-FILE]
#
# Only the phone and the waiting are not in the document: who scans the QR is simulated.
set -eu

root="${1:-http://127.0.0.1:3000}"
url="${2:-http://127.0.0.1:3000}"
key_file="${3:-demo-data/admin.key}"
[ -r "$key_file" ] || { echo "no key in $key_file; start the demo with --data demo-data" >&2; exit 2; }
base="$root/api/v1"
number="1555$(date +%H%M%S)"
session="mySession$number"
files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT

step() { printf '\n\n# %s\n' "$*"; }
# field NAME: the text of that field in the JSON that comes in.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
# shown: the own session as the list shows it, on one line.
shown() { curl -sS --fail-with-body "$base/sessions" -H "Authorization: Bearer $token" | tr '{' '\n' | grep "\"$session\""; }
# simulated PATH BODY: what happens in the simulated network.
simulated() {
    printf 'header = "X-API-Key: %s"\n' "$(cat "$key_file")" |
        curl -sS --fail-with-body -K - -H 'Content-Type: application/json' -d "$2" "$url/v1/simulator$1"
}
# until_shown WORDS: waits until the list shows them for the own session.
until_shown() {
    tries=0
    until shown | grep -q "$1"; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || { echo "not within 20 s: $1" >&2; exit 1; }
        sleep 0.2
    done
}

step "create a session"
token=$(curl -sS --fail-with-body -X POST "$base/sessions" \
    -H "X-Master-Key: $(cat "$key_file")" \
    -H 'Content-Type: application/json' \
    -d "{ \"sessionId\": \"$session\" }" | field token)
curl -sS --fail-with-body -X GET "$base/sessions"

step "scan its QR with a simulated phone"
simulated /contacts "{\"number\": \"+$number\", \"name\": \"Owner\"}"
until_shown '"qr":"'
simulated "/contacts/$number/scan" "{\"qr\": \"$(shown | field qr)\"}"
until_shown '"CONNECTED"'

step "set, get and delete its webhook"
curl -sS --fail-with-body -X POST "$base/webhook" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
    -d "{ \"sessionId\": \"$session\", \"url\": \"https://your-webhook-receiver.com/events\" }"
curl -sS --fail-with-body -X GET "$base/webhook?sessionId=$session" -H "Authorization: Bearer $token"
curl -sS --fail-with-body -X DELETE "$base/webhook" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
    -d "{ \"sessionId\": \"$session\" }"

step "upload a file and send it"
printf '%%PDF-1.4\nnothing to see\n' > "$files/offer.pdf"
media=$(curl -sS --fail-with-body -X POST "$base/media" -H "Authorization: Bearer $token" -F "file=@$files/offer.pdf" | field mediaId)
curl -sS --fail-with-body "$root/media/$media" -o "$files/again.pdf"
cmp "$files/offer.pdf" "$files/again.pdf"
curl -sS --fail-with-body -X POST "$base/messages?sessionId=$session" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
    -d "{ \"recipient_type\": \"individual\", \"to\": \"15550100\", \"type\": \"document\",
          \"document\": { \"id\": \"$media\", \"mimetype\": \"application/pdf\", \"filename\": \"Q4_Report_2023.pdf\" } }"

step "send a text and take it back"
message=$(curl -sS --fail-with-body -X POST "$base/messages?sessionId=$session" -H "Authorization: Bearer $token" \
    -H 'Content-Type: application/json' \
    -d '{ "recipient_type": "individual", "to": "15550100", "type": "text", "text": { "body": "Hello from the API!" } }' | field messageId)
tries=0
until curl -sS --fail-with-body -X DELETE "$base/message" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
    -d "{ \"sessionId\": \"$session\", \"remoteJid\": \"15550100@s.whatsapp.net\", \"messageId\": \"$message\" }"; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || exit 1
    sleep 0.2
done

step "a campaign"
curl -sS --fail-with-body -X GET "$base/campaigns/csv-template" -H "Authorization: Bearer $token" -o "$files/whatsapp_campaign_template.csv"
curl -sS --fail-with-body -X POST "$base/campaigns/preview-csv" -H "Authorization: Bearer $token" -F "file=@$files/whatsapp_campaign_template.csv"
campaign=$(curl -sS --fail-with-body -X POST "$base/campaigns" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
    -d "{ \"name\": \"Marketing Campaign Q1\", \"sessionId\": \"$session\",
          \"message\": { \"type\": \"text\", \"content\": \"Hi {{Name}}, check out our new products at {{Company}}!\" },
          \"recipients\": [ { \"number\": \"+15550100\", \"name\": \"John Doe\", \"jobTitle\": \"CEO\", \"companyName\": \"ABC Corp\" } ],
          \"settings\": { \"delayBetweenMessages\": 3000 } }" | field id)
curl -sS --fail-with-body -X POST "$base/campaigns/$campaign/send" -H "Authorization: Bearer $token"
tries=0
until curl -sS "$base/campaigns" -H "Authorization: Bearer $token" | grep -q '"completed"'; do
    tries=$((tries + 1))
    [ "$tries" -lt 150 ] || { echo "not completed within 30 s" >&2; exit 1; }
    sleep 0.2
done
curl -sS --fail-with-body -X GET "$base/campaigns/$campaign/export" -H "Authorization: Bearer $token" -o "$files/campaign_results.csv"
cat "$files/campaign_results.csv"
curl -sS --fail-with-body -X DELETE "$base/campaigns/$campaign" -H "Authorization: Bearer $token"

step "the legacy endpoints"
curl -sS --fail-with-body -X POST "$root/api/send-message" -H 'Content-Type: application/json' \
    -d "{ \"sessionId\": \"$session\", \"number\": \"15550100\", \"message\": \"This is a legacy message.\" }"
curl -sS --fail-with-body -X POST "$root/api/message" -F 'phone=15550100' -F 'message=Hello from a form' -F "sessionId=$session"

step "delete the session"
curl -sS --fail-with-body -X DELETE "$base/sessions/$session" -H "Authorization: Bearer $token"
printf '\ndone\n'
