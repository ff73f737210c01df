;; A component of a version of the contract that this host does not speak.
(component
  (instance $handler)
  (export "warbler:plugin/event-handler@9.0.0" (instance $handler)))
