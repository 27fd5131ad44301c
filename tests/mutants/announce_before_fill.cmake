# Publish before fill: a supervisor that dies meanwhile leaves a job that can be claimed and is none.
set(source ipc/claim_queue.cc)
set(detector ipc)
set(detects "queue kill: a supervisor that dies while it publishes leaves whole jobs only")
set(old "  JobSlot& slot = memory_->slot(tail_);\n")
set(new "  memory_->state(tail_).store(SlotWord::pack(SlotState::kReady, 0, 0));
  memory_->table().tail.store(tail_ + 1);
  JobSlot& slot = memory_->slot(tail_);\n")
