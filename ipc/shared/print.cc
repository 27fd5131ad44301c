#include <cerrno>
#include <poll.h>
#include <string>
#include <unistd.h>

#include "ipc/shared/mapped.h"

namespace enjoin::shared {
namespace {

class Hold {
 public:
  explicit Hold(detail::Mapped& mapped) : mapped_(mapped) {
    take_lock(mapped_, mapped_.header().print_lock, {});
  }
  ~Hold() { give_lock(mapped_, mapped_.header().print_lock); }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

 private:
  detail::Mapped& mapped_;
};

}  // namespace

// The mark says that a line may be begun: who finds it set after a death ends that line, which
// costs an empty one at worst.
void print(const Memory& memory, std::string_view text) {
  detail::Mapped& mapped = MemoryAccess::mapped(memory);
  detail::AtomicU32& open = mapped.header().print_open;
  const Hold hold(mapped);
  std::string line;
  line.reserve(text.size() + 2);
  if (open.load(std::memory_order_relaxed) != 0) line += '\n';
  line += text;
  if (!text.ends_with('\n')) line += '\n';
  std::string_view rest = line;
  open.store(1, std::memory_order_relaxed);
  while (!rest.empty()) {
    const ssize_t done = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0 && errno == EAGAIN) {
      pollfd out{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
      ::poll(&out, 1, -1);
      continue;
    }
    if (done < 0) throw system_error("cannot write to the standard output", errno);
    rest.remove_prefix(static_cast<std::size_t>(done));
  }
  open.store(0, std::memory_order_relaxed);
}

}  // namespace enjoin::shared
