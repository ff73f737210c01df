;; Renders a template as it is, and has no outbox meanwhile.
(component
  (import "warbler:plugin/types@0.1.1" (instance $types
    (type $refusal' (record (field "code" string) (field "message" string)))
    (export "refusal" (type (eq $refusal')))))
  (alias export $types "refusal" (type $refusal))
  (import "warbler:plugin/outbox@0.1.1" (instance $outbox
    (alias outer 1 $refusal (type $r))
    (export "refusal" (type $refusal (eq $r)))
    (export "reply" (func (param "text" string) (param "quote" bool) (result (result (error $refusal)))))))
  ;; Memory and a bump allocator: what the host writes goes to 64 KiB and above.
  (core module $libc
    (memory (export "memory") 8)
    (global $top (mut i32) (i32.const 65536))
    (func (export "realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $at) (local.get $new)))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  (core func $reply (canon lower (func $outbox "reply")
    (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (core module $main
    (import "libc" "memory" (memory 1))
    (import "host" "reply" (func $reply (param i32 i32 i32 i32)))
    ;; Answers the template, if the host refuses to send something from here.
    (func (export "render") (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32 i32) (result i32)
      (call $reply (local.get 4) (local.get 5) (i32.const 0) (i32.const 512))
      (if (i32.eqz (i32.load8_u (i32.const 512))) (then (unreachable)))
      (i32.store (i32.const 0) (i32.const 0))
      (i32.store (i32.const 4) (local.get 4))
      (i32.store (i32.const 8) (local.get 5))
      (i32.const 0)))
  (core instance $main (instantiate $main (with "libc" (instance $libc))
    (with "host" (instance
      (export "reply" (func $reply))))))
  (type $rendering' (record (field "id" string) (field "session-name" string) (field "template" string) (field "to" string)
    (field "name" (option string)) (field "fields" (list (tuple string string))) (field "timestamp" s64) (field "body" string)))
  (func $render (param "what" $rendering') (result (result string (error string)))
    (canon lift (core func $main "render") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (component $shim
    (type $r' (record (field "id" string) (field "session-name" string) (field "template" string) (field "to" string)
      (field "name" (option string)) (field "fields" (list (tuple string string))) (field "timestamp" s64) (field "body" string)))
    (import "import-rendering" (type $i (eq $r')))
    (import "render" (func $render (param "what" $i) (result (result string (error string)))))
    (export $r "rendering" (type $r'))
    (export "render" (func $render) (func (param "what" $r) (result (result string (error string))))))
  (instance $renderer (instantiate $shim (with "import-rendering" (type $rendering')) (with "render" (func $render))))
  (export "warbler:plugin/template-renderer@0.1.1" (instance $renderer)))
