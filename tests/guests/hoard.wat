;; Hands the host nearly a megabyte again and again.
(component
  (import "warbler:plugin/types@0.1.0" (instance $types
    (type $media' (record (field "kind" string) (field "mime" string) (field "size" u64) (field "digest" (option string))))
    (export "media-ref" (type $media (eq $media')))
    (type $event' (record
      (field "id" string) (field "kind" string) (field "session" string) (field "session-name" string)
      (field "chat" (option string)) (field "sender" (option string)) (field "sender-name" (option string))
      (field "from-me" bool) (field "is-group" bool) (field "text" (option string)) (field "timestamp" s64)
      (field "whatsapp-id" (option string)) (field "quoted-id" (option string)) (field "media" (option $media))
      (field "body" string)))
    (export "event" (type (eq $event')))
    (type $verdict' (enum "next" "stop"))
    (export "verdict" (type (eq $verdict')))
    (type $refusal' (record (field "code" string) (field "message" string)))
    (export "refusal" (type (eq $refusal')))))
  (alias export $types "event" (type $event))
  (alias export $types "verdict" (type $verdict))
  (alias export $types "refusal" (type $refusal))
  (import "warbler:plugin/log@0.1.0" (instance $log
    (export "log" (func (param "level" string) (param "message" string)))))
  ;; Memory and a bump allocator: what the host writes goes to 64 KiB and above.
  (core module $libc
    (memory (export "memory") 2)
    (global $top (mut i32) (i32.const 65536))
    (func (export "realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $at) (local.get $new)))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  (core func $log (canon lower (func $log "log") (memory (core memory $libc "memory"))))
  (core module $main
    (import "libc" "memory" (memory 1))
    (import "log" "log" (func $log (param i32 i32 i32 i32)))
    (data (i32.const 64) "info")
    (func (export "handle") (param i32) (result i32)
      (drop (memory.grow (i32.const 40)))
      (loop $again
        (call $log (i32.const 64) (i32.const 4) (i32.const 200000) (i32.const 1000000))
        (br $again))
      (unreachable)))
  (core instance $main (instantiate $main (with "libc" (instance $libc))
    (with "log" (instance (export "log" (func $log))))))
  (func $handle (param "event" $event) (result (result $verdict (error string)))
    (canon lift (core func $main "handle") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (instance $handler (export "handle" (func $handle)))
  (export "warbler:plugin/event-handler@0.1.0" (instance $handler)))
