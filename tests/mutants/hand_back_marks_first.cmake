# The same for claims that are handed back: marked ready, with `head` still above them.
set(source ipc/claim_queue.cc)
set(detector ipc)
set(detects "queue kill: handing claims back")
set(old "  if (head.load(std::memory_order_relaxed) > first) head.store(first, std::memory_order_relaxed);\n")
set(new "")
set(old2 "        expected, SlotWord::pack(SlotState::kReady, 0, 0), std::memory_order_acq_rel);
  }\n")
set(new2 "        expected, SlotWord::pack(SlotState::kReady, 0, 0), std::memory_order_acq_rel);
  }
  if (head.load(std::memory_order_relaxed) > first) head.store(first, std::memory_order_relaxed);\n")
