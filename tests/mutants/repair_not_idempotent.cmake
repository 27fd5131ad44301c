# A repair that reports what it finds and forgets whose it was: done twice, it reports nothing.
set(source ipc/claim_queue.h)
set(detector ipc)
set(detects "queue kill: taking a dead worker's claims back")
set(old "      state.store(worker.word(SlotState::kReleased), std::memory_order_release);\n")
set(new "      state.store(SlotWord::pack(SlotState::kReleased, 0, 0), std::memory_order_release);
      started(held(position).handle, held(position).ticket, worker.word(SlotState::kReleased));\n")
