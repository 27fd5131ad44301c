# A missing repair: what a dead worker had claimed and not begun stays claimed.
set(source ipc/claim_queue.h)
set(detector ipc)
set(detects "queue kill: a claim of one")
set(old "      state.store(SlotWord::pack(SlotState::kReady, 0, 0), std::memory_order_release);\n")
set(new "      static_cast<void>(state);\n")
