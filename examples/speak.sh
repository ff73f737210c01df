#!/bin/sh
# A walk through the API of a running demo, which is started with
#
#   cargo run -- demo --data demo-data
#
# and then:  examples/speak.sh [URL] [KEY-FILE]
set -eu

url="${1:-http://127.0.0.1:3000}"
key_file="${2:-demo-data/admin.key}"
[ -r "$key_file" ] || { echo "no key in $key_file; start the demo with --data demo-data" >&2; exit 2; }
key=$(cat "$key_file")

# call PATH [BODY]: GET, or POST with a body. The key goes over stdin, not into the process list.
call() {
    if [ $# -eq 1 ]; then
        printf 'header = "X-API-Key: %s"\n' "$key" | curl -sS --fail-with-body -K - "$url$1"
    else
        printf 'header = "X-API-Key: %s"\n' "$key" |
            curl -sS --fail-with-body -K - -H 'Content-Type: application/json' -d "$2" "$url$1"
    fi
    echo
}

step() { printf '\n# %s\n' "$*"; }

step "a session, which waits for a phone to scan its QR"
call /v1/sessions "{\"name\": \"walk-$$\", \"start\": true}"
call "/v1/sessions/walk-$$/qr" | cut -c 1-120

step "a message from the linked session to Ada"
call /v1/sessions/demo/messages '{"to": "+15550100", "text": "Good morning"}'

step "a new customer, who asks something"
call /v1/simulator/contacts '{"number": "+15550177", "name": "Grace"}'
call /v1/simulator/contacts/15550177/messages '{"to": "demo", "text": "what is the price?"}'

step "what reached her phone"
tries=0
until call /v1/simulator/contacts/15550177/heard | grep -q '"id"'; do
    tries=$((tries + 1))
    [ "$tries" -lt 50 ] || { echo "nothing within 10 s" >&2; exit 1; }
    sleep 0.2
done
call /v1/simulator/contacts/15550177/heard

step "the event behind it"
call '/v1/events?kind=message.received&limit=1'

step "away with the session"
printf 'header = "X-API-Key: %s"\n' "$key" | curl -sS --fail-with-body -K - -X DELETE "$url/v1/sessions/walk-$$"
echo "done"
