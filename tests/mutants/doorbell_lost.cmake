# A worker looks for the last time and then says that it goes to sleep: who comes in between does not
# ring.
set(source worker/worker.cc)
set(detector worker)
set(detects "*no wake-up is lost*")
set(old "  bells_.announce_idle(number);
  const std::uint32_t flags")
set(new "  const bool ready = queue_.looks_ready();
  bells_.announce_idle(number);
  const std::uint32_t flags")
set(old2 "  if (!queue_.looks_ready() && (flags & ipc::kFlagClosed) == 0")
set(new2 "  if (!ready && (flags & ipc::kFlagClosed) == 0")
