# A result that is published before its last bytes are there.
set(source ipc/results.cc)
set(detector ipc)
set(detects "queue kill: a result is published whole or not at all")
set(old "  record.sum = sum_of(record);
  ++tail_;\n")
set(new "  ++tail_;
  results_header(ring_).tail.store(tail_, std::memory_order_release);
  record.sum = sum_of(record);\n")
