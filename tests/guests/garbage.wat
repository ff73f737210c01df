This is no WebAssembly at all.
