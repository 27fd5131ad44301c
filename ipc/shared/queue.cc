#include <algorithm>
#include <cstring>
#include <vector>

#include "enjoin/shared_queue.h"
#include "ipc/shared/queue_view.h"

namespace enjoin::shared::detail {
namespace {

// What this thread has taken and not finished, in any queue; oldest first.
struct Taken {
  std::uint64_t memory;
  std::uint64_t queue;
  std::uint32_t owner;
  QueueView::Found found;
};
thread_local std::vector<Taken> taken_here;

class Use {
 public:
  Use(Mapped& mapped, void* bytes)
      : mapped_(mapped), data_(*static_cast<QueueData*>(bytes)), view_(mapped_, data_) {}

  Put put(std::string_view bytes, const Until& until);
  std::optional<std::string> get(const Until& until);
  bool join(const Until& until);
  bool finish_oldest();
  void close();
  bool is_empty() const {
    return data_.ready.load(std::memory_order_acquire) +
               data_.taken.load(std::memory_order_acquire) ==
           0;
  }

 private:
  bool is_mine(const Taken& taken) {
    return taken.queue == mapped_.offset_of(&data_) && taken.memory == mapped_.header().id &&
           taken.owner == mapped_.self();
  }
  bool has_unfinished() {
    return std::any_of(taken_here.begin(), taken_here.end(),
                       [&](const Taken& taken) { return is_mine(taken); });
  }
  bool is_at_end() {
    return data_.closed.load(std::memory_order_acquire) != 0 && (is_empty() || has_unfinished());
  }
  bool sleep(AtomicU32& news, AtomicU32& sleepers, std::uint32_t seen, const Until& until);
  void tell(AtomicU32& news, const AtomicU32& sleepers, std::uint32_t most);

  Mapped& mapped_;
  QueueData& data_;
  QueueView view_;
};

bool Use::sleep(AtomicU32& news, AtomicU32& sleepers, std::uint32_t seen, const Until& until) {
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  const bool in_time = mapped_.sleep(news, seen, until);
  sleepers.fetch_sub(1, std::memory_order_relaxed);
  return in_time;
}

void Use::tell(AtomicU32& news, const AtomicU32& sleepers, std::uint32_t most) {
  news.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst) != 0) wake(news, most);
}

Put Use::put(std::string_view bytes, const Until& until) {
  std::uint64_t block = 0;
  if (bytes.size() > view_.item_bytes()) {
    block = mapped_.allocate(bytes.size(), Kind::kItem);
    std::memcpy(&mapped_.at<char>(block), bytes.data(), bytes.size());
  }
  Put done = Put::kPut;
  for (;;) {
    const std::uint32_t seen = data_.done_news.load(std::memory_order_seq_cst);
    if (data_.closed.load(std::memory_order_acquire) != 0) {
      done = Put::kClosed;
    } else if (view_.try_put(bytes, block)) {
      if (block != 0) mapped_.adopt(block);
      tell(data_.put_news, data_.getters, 1);
      return Put::kPut;
    } else if (is_past(until) || !sleep(data_.done_news, data_.putters, seen, until)) {
      done = Put::kFull;
    }
    if (done != Put::kPut) break;
  }
  if (block != 0) mapped_.free(block);
  return done;
}

std::optional<std::string> Use::get(const Until& until) {
  if (data_.by_task_done == 0) finish_oldest();
  for (;;) {
    const std::uint32_t seen = data_.put_news.load(std::memory_order_seq_cst);
    if (const auto found = view_.try_take(thread_number())) {
      taken_here.push_back({.memory = mapped_.header().id,
                            .queue = mapped_.offset_of(&data_),
                            .owner = mapped_.self(),
                            .found = *found});
      return view_.bytes_of(found->slot);
    }
    if (is_at_end() || is_past(until)) return std::nullopt;
    if (!sleep(data_.put_news, data_.getters, seen, until)) return std::nullopt;
  }
}

bool Use::finish_oldest() {
  const auto at = std::find_if(taken_here.begin(), taken_here.end(),
                               [&](const Taken& taken) { return is_mine(taken); });
  if (at == taken_here.end()) return false;
  const QueueView::Found found = at->found;
  taken_here.erase(at);
  if (!view_.finish(found, thread_number())) return false;
  tell(data_.done_news, data_.putters, 1);
  if (!is_empty()) return true;
  tell(data_.end_news, data_.joiners, kAll);
  if (data_.closed.load(std::memory_order_acquire) != 0) tell(data_.put_news, data_.getters, kAll);
  return true;
}

bool Use::join(const Until& until) {
  for (;;) {
    const std::uint32_t seen = data_.end_news.load(std::memory_order_seq_cst);
    if (is_empty()) return true;
    if (is_past(until) || !sleep(data_.end_news, data_.joiners, seen, until)) return is_empty();
  }
}

void Use::close() {
  data_.closed.store(1, std::memory_order_release);
  tell(data_.put_news, data_.getters, kAll);
  tell(data_.done_news, data_.putters, kAll);
}

Until until_of(const RawQueue::Limit& limit) {
  return limit ? until_after(*limit) : Until{};
}

}  // namespace

void queue_gone(Mapped& mapped, std::uint64_t offset, std::uint32_t number, Gone how) {
  auto& data = mapped.at<QueueData>(offset);
  QueueView(mapped, data).process_gone(number, how);
  for (AtomicU32* news : {&data.put_news, &data.done_news, &data.end_news}) {
    news->fetch_add(1, std::memory_order_seq_cst);
    wake(*news, kAll);
  }
}

static_assert(RawQueue::kKind == static_cast<std::uint8_t>(Kind::kQueue));

RawQueue::RawQueue(Memory& memory, const QueueOptions& options) {
  if (options.most == 0 || options.most > kMostItems) {
    throw Error("QueueOptions::most must be from 1 to " + std::to_string(kMostItems));
  }
  static_cast<Object&>(*this) = make_object<QueueData>(
      memory, Kind::kQueue, QueueView::bytes_for(options.most, options.item_bytes),
      [&](QueueData& data) {
        ipc::RobustMutex::initialise(data.guard);
        data.most = options.most;
        data.item_bytes = options.item_bytes;
        data.most_deaths = options.most_deaths;
        data.by_task_done = options.finish == Finish::kByTaskDone ? 1 : 0;
        QueueView::begin(data);
      });
}

Put RawQueue::put_bytes(std::string_view bytes, Limit limit) {
  return Use(mapped(), this->bytes()).put(bytes, until_of(limit));
}

std::optional<std::string> RawQueue::get_bytes(Limit limit) {
  return Use(mapped(), bytes()).get(until_of(limit));
}

bool RawQueue::join_within(Limit limit) {
  return Use(mapped(), bytes()).join(until_of(limit));
}

void RawQueue::task_done() {
  if (!Use(mapped(), bytes()).finish_oldest()) {
    throw Error("task_done: this thread has no item of the queue that is not finished");
  }
}

void RawQueue::close() {
  Use(mapped(), bytes()).close();
}

bool RawQueue::closed() const {
  return static_cast<const QueueData*>(bytes())->closed.load(std::memory_order_acquire) != 0;
}

std::uint32_t RawQueue::size() const {
  return static_cast<const QueueData*>(bytes())->ready.load(std::memory_order_acquire);
}

std::uint32_t RawQueue::unfinished() const {
  const auto& data = *static_cast<const QueueData*>(bytes());
  return data.ready.load(std::memory_order_acquire) + data.taken.load(std::memory_order_acquire);
}

std::uint64_t RawQueue::lost() const {
  return static_cast<const QueueData*>(bytes())->lost.load(std::memory_order_relaxed);
}

}  // namespace enjoin::shared::detail
