#!/bin/sh
# The walk through the document of the dialect `hub`, against a running demo, which is started with
#
#   cargo run -- demo --data demo-data
#
# and then:  examples/dialects/hub.sh [BASE] [URL] [KEY-FILE]
#
# Only the first step and the phone are not in the document: who scans the QR is simulated.
set -eu

base="${1:-http://127.0.0.1:5001}"
url="${2:-http://127.0.0.1:3000}"
key_file="${3:-demo-data/admin.key}"
[ -r "$key_file" ] || { echo "no key in $key_file; start the demo with --data demo-data" >&2; exit 2; }
number="1555$(date +%H%M%S)"
mail="user$number@example.com"

step() { printf '\n# %s\n' "$*"; }
# field NAME: the text of that field in the JSON that comes in.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
# simulated PATH BODY: what happens in the simulated network.
simulated() {
    printf 'header = "X-API-Key: %s"\n' "$(cat "$key_file")" |
        curl -sS --fail-with-body -K - -H 'Content-Type: application/json' -d "$2" "$url/v1/simulator$1"
    echo
}

step "somebody with a phone, and a customer"
simulated /contacts "{\"number\": \"+$number\", \"name\": \"Owner\"}"

step "register"
account=$(curl -sS --fail-with-body "$base/auth/register" -H 'Content-Type: application/json' \
    -d "{\"email\": \"$mail\", \"password\": \"SecurePass123\", \"role\": \"user\"}")
api_key=$(echo "$account" | field apiKey)
token=$(echo "$account" | field token)
curl -sS --fail-with-body "$base/auth/me" -H "Authorization: Bearer $token" | field email

step "create a session and scan its QR"
started=$(curl -sS --fail-with-body "$base/session/start" -H "x-api-key: $api_key" -H 'Content-Type: application/json' \
    -d "{\"session\": \"$number\", \"phoneNumber\": \"+$number\"}")
simulated "/contacts/$number/scan" "{\"qr\": \"$(echo "$started" | field qr)\"}"

step "wait until it is connected"
tries=0
until curl -sS "$base/session/status?session=$number" -H "x-api-key: $api_key" | grep -q '"isConnected":true'; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "not connected within 20 s" >&2; exit 1; }
    sleep 0.2
done
curl -sS --fail-with-body "$base/session/status?session=$number" -H "x-api-key: $api_key"

step "send a message"
curl -sS --fail-with-body "$base/message/send-text" -H "x-api-key: $api_key" -H 'Content-Type: application/json' \
    -d "{\"session\": \"$number\", \"to\": \"15550100\", \"text\": \"Hello from frontend!\", \"is_group\": false}"

step "what waits to be sent"
curl -sS --fail-with-body "$base/message/queue-status?session=$number" -H "x-api-key: $api_key"

step "log out"
curl -sS --fail-with-body -X POST "$base/session/logout?session=$number" -H "x-api-key: $api_key"
printf '\ndone\n'
