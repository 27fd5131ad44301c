#include "ipc/shared/mapped.h"

#include <cerrno>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <sys/random.h>

#include "ipc/shared/hooks.h"

namespace enjoin::shared {
namespace detail {
namespace {

constexpr std::uint32_t kMostProcesses = 8192;

// The memories of this process, by id. Never destroyed: workers may use theirs until they exit.
struct Known {
  std::mutex mutex;
  std::map<std::uint64_t, std::weak_ptr<Mapped>> by_id;
  std::vector<std::shared_ptr<Mapped>> kept;
};
Known& known() {
  static auto* const all = new Known;
  return *all;
}

constexpr std::uint64_t aligned(std::uint64_t size) {
  return (size + kCacheLine - 1) / kCacheLine * kCacheLine;
}

std::shared_ptr<Mapped> enter(ipc::Segment segment) {
  auto made = std::make_shared<Mapped>(std::move(segment));
  Known& all = known();
  const std::lock_guard hold(all.mutex);
  std::erase_if(all.by_id, [](const auto& entry) { return entry.second.expired(); });
  const auto [at, is_new] = all.by_id.emplace(made->header().id, made);
  if (is_new) return made;
  return at->second.lock();
}

std::uint64_t random_id() {
  std::uint64_t id = 0;
  if (::getrandom(&id, sizeof id, 0) != sizeof id) throw system_error("getrandom", errno);
  return id | 1;
}

}  // namespace

Guard::Guard(ipc::LockStorage& storage) : mutex_(storage) {
  if (mutex_.acquire() == ipc::LockAnswer::kBroken) {
    throw Error("shared memory is damaged: somebody wrote over one of its locks");
  }
}

Mapped::Mapped(ipc::Segment segment)
    : segment_(std::move(segment)), processes_(header().header.count[0]) {}

Mapped::~Mapped() {
  try {
    leave();
  } catch (const Error&) {  // damaged: nobody can use it any more anyway
  }
}

std::shared_ptr<Mapped> Mapped::create(const MemoryOptions& options) {
  if (options.processes == 0 || options.processes > kMostProcesses) {
    throw Error("MemoryOptions::processes must be from 1 to " + std::to_string(kMostProcesses));
  }
  const std::uint64_t first =
      sizeof(SharedHeader) + sizeof(Participant) * std::uint64_t{options.processes};
  const std::uint64_t size = first + aligned(options.size_bytes) + sizeof(BlockHeader);
  ipc::Segment segment =
      ipc::Segment::create(ipc::SegmentKind::kShared, size, ipc::SegmentRights::kSharedWrite);
  SharedHeader& header = *segment.at<SharedHeader>(0);
  header.header.count[0] = options.processes;
  header.id = random_id();
  header.signature = kSharedSignature;
  header.first_block = first;
  ipc::RobustMutex::initialise(header.lock);
  segment.at<BlockHeader>(first)->word.store(BlockHeader::pack(size - first, Kind::kFree),
                                             std::memory_order_release);
  return enter(std::move(segment));
}

std::shared_ptr<Mapped> Mapped::attach(ipc::UniqueFd fd) {
  ipc::Segment segment = ipc::Segment::attach(std::move(fd), ipc::SegmentKind::kShared,
                                              ipc::SegmentRights::kSharedWrite);
  if (segment.size_bytes() < sizeof(SharedHeader)) throw Error("shared memory is too small");
  const SharedHeader& header = *segment.at<SharedHeader>(0);
  const std::uint32_t processes = header.header.count[0];
  if (header.signature != kSharedSignature || processes == 0 || processes > kMostProcesses ||
      header.first_block != sizeof(SharedHeader) + sizeof(Participant) * std::uint64_t{processes} ||
      header.first_block >= segment.size_bytes()) {
    throw Error("shared memory was made by another build of enjoin, or is damaged");
  }
  return enter(std::move(segment));
}

std::shared_ptr<Mapped> Mapped::find(std::uint64_t id) {
  Known& all = known();
  const std::lock_guard hold(all.mutex);
  const auto at = all.by_id.find(id);
  std::shared_ptr<Mapped> found = at == all.by_id.end() ? nullptr : at->second.lock();
  if (!found) {
    throw Error(
        "a shared object's memory is not known to this process: name it in PoolOptions::shared");
  }
  return found;
}

Until until_after(std::chrono::nanoseconds limit) {
  return std::chrono::steady_clock::now() + limit;
}

bool is_past(const Until& until) {
  return until && std::chrono::steady_clock::now() >= *until;
}

// ---- handles ----

Object::Object(std::shared_ptr<Mapped> mapped, std::uint64_t offset)
    : mapped_(std::move(mapped)), bytes_(&mapped_->at<std::byte>(offset)) {}

Mapped& Object::mapped() const {
  if (!mapped_) throw Error("a shared object is used that stands for nothing");
  return *mapped_;
}

void* Object::bytes() const {
  if (bytes_ == nullptr) throw Error("a shared object is used that stands for nothing");
  return bytes_;
}

void ObjectArchive::write(ArchiveWriter& to, const Memory& memory) {
  const std::uint64_t id = memory.mapped_->header().id;
  to.bytes(&id, sizeof id);
}

Memory ObjectArchive::read_memory(ArchiveReader& from) {
  std::uint64_t id = 0;
  from.bytes(&id, sizeof id);
  return Memory(Mapped::find(id));
}

void ObjectArchive::write(ArchiveWriter& to, const Object& object) {
  std::uint64_t place[2] = {};
  if (object.mapped_) {
    place[0] = object.mapped_->header().id;
    place[1] = object.mapped_->offset_of(object.bytes_);
  }
  to.bytes(place, sizeof place);
}

void ObjectArchive::read(ArchiveReader& from, Object& object, std::uint8_t kind) {
  std::uint64_t place[2] = {};
  from.bytes(place, sizeof place);
  if (place[0] == 0) return;
  std::shared_ptr<Mapped> mapped = Mapped::find(place[0]);
  mapped->check_block(place[1], static_cast<Kind>(kind));
  if (static_cast<Kind>(kind) == Kind::kBarrier) barrier_given(*mapped, place[1]);
  object = Object(std::move(mapped), place[1]);
}

}  // namespace detail

using detail::Mapped;

Memory::Memory(const MemoryOptions& options) : mapped_(Mapped::create(options)) {}

Memory::Memory(std::shared_ptr<Mapped> mapped) : mapped_(std::move(mapped)) {}

std::size_t Memory::size_bytes() const {
  return mapped_->size_bytes() - mapped_->header().first_block - sizeof(detail::BlockHeader);
}

std::size_t Memory::used_bytes() const {
  return mapped_->used_bytes();
}

std::uint32_t Memory::look_for_dead() {
  return mapped_->look_for_dead(true);
}

Buffer Memory::buffer(std::size_t size_bytes) {
  const std::uint64_t offset = mapped_->allocate(size_bytes, detail::Kind::kBuffer);
  mapped_->adopt(offset);
  return {mapped_, offset};
}

void Memory::give_back(Buffer& buffer) {
  if (!buffer) return;
  const std::uint64_t offset = mapped_->offset_of(buffer.data());
  mapped_->check_block(offset, detail::Kind::kBuffer);
  mapped_->free(offset);
  buffer = Buffer();
}

static_assert(Buffer::kKind == static_cast<std::uint8_t>(detail::Kind::kBuffer));

Buffer::Buffer(std::shared_ptr<Mapped> mapped, std::uint64_t offset)
    : Object(std::move(mapped), offset) {}

std::size_t Buffer::size_bytes() const {
  if (!*this) return 0;
  return mapped_->block_of(mapped_->offset_of(bytes_)).asked.load(std::memory_order_relaxed);
}

// ---- for the pool ----

int memory_fd(const Memory& memory) {
  return MemoryAccess::mapped(memory).fd();
}

void attach_memory(ipc::UniqueFd fd) {
  std::shared_ptr<Mapped> mapped = Mapped::attach(std::move(fd));
  detail::Known& all = detail::known();
  const std::lock_guard hold(all.mutex);
  all.kept.push_back(std::move(mapped));
}

void worker_died(const Memory& memory, pid_t pid) noexcept {
  try {
    MemoryAccess::mapped(memory).process_ended(pid, detail::Gone::kDied);
  } catch (
      const Error&) {  // damaged, maybe by the worker: its calls have to be settled all the same
  }
}

void leave_memories() noexcept {
  std::vector<std::shared_ptr<Mapped>> here;
  try {
    {
      detail::Known& all = detail::known();
      const std::lock_guard hold(all.mutex);
      for (const auto& [id, weak] : all.by_id) {
        if (std::shared_ptr<Mapped> mapped = weak.lock()) here.push_back(std::move(mapped));
      }
    }
    for (const auto& mapped : here) mapped->leave();
  } catch (const std::exception&) {  // damaged, or no memory: it is a death then
  }
}

}  // namespace enjoin::shared
