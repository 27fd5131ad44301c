# Whoever dies between the two stores leaves a ready job below `head`, where nobody looks.
set(source ipc/claim_queue.cc)
set(detector ipc)
set(detects "queue kill: a claim of a batch")
set(old "      state.store(mine, std::memory_order_relaxed);\n")
set(new "      head.store(position + 1, std::memory_order_release);
      std::atomic_signal_fence(std::memory_order_seq_cst);
      state.store(mine, std::memory_order_relaxed);\n")
