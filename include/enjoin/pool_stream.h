#pragma once

// What Pool::imap and Pool::imap_unordered give: results while they come.

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "enjoin/future.h"
#include "enjoin/pool_call.h"

namespace enjoin {
namespace detail {

inline constexpr std::size_t kAhead = 4096;       ///< inputs submitted before their results
inline constexpr std::size_t kAnnounceEach = 64;  ///< calls, in a row of many

template <typename Inputs>
using ElementOf = decltype(*std::begin(std::declval<Inputs&>()));

/// What a call of F, with arguments kept for it, gives.
template <typename F, typename... A>
using ResultOf = std::decay_t<decltype(std::apply(
    std::declval<F>(), std::declval<typename ArgumentsOf<F, A...>::Type>()))>;

/// The inputs of a stream: an lvalue's own, or ours.
template <typename Inputs>
class Source {
 public:
  explicit Source(Inputs&& inputs) : inputs_(std::forward<Inputs>(inputs)) {}
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  bool at_end() { return at() == std::end(inputs_); }
  template <typename Use>
  void take(Use&& use) {
    use(*at());
    ++at();
  }

 private:
  // Begun late: an iterator into our own inputs must not be moved with us.
  auto& at() {
    if (!at_) at_.emplace(std::begin(inputs_));
    return *at_;
  }

  std::conditional_t<std::is_lvalue_reference_v<Inputs>, Inputs, std::remove_cvref_t<Inputs>>
      inputs_;
  std::optional<decltype(std::begin(std::declval<std::remove_reference_t<Inputs>&>()))> at_;
};

struct End {};

template <typename Stream>
class StreamIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = typename Stream::Value;
  using difference_type = std::ptrdiff_t;
  using pointer = value_type*;
  using reference = value_type&;

  explicit StreamIterator(Stream* stream) : stream_(stream) { ++*this; }
  reference operator*() const { return *stream_->current_; }
  pointer operator->() const { return &*stream_->current_; }
  StreamIterator& operator++() {
    stream_->current_ = stream_->next();
    return *this;
  }
  void operator++(int) { ++*this; }
  bool operator==(End) const { return !stream_->current_.has_value(); }

 private:
  Stream* stream_;
};

}  // namespace detail

/// Results in the order of the inputs. One thread at a time uses it; it ends before its Pool does.
/// Its end cancels what has not started.
template <typename F, typename Inputs>
class OrderedStream {
 public:
  using Result = detail::ResultOf<F, detail::ElementOf<Inputs>>;
  using Value = std::conditional_t<std::is_void_v<Result>, std::monostate, Result>;

  OrderedStream(detail::PoolCore& core, F function, Inputs&& inputs, std::size_t ahead)
      : core_(&core),
        caller_(core, std::move(function)),
        source_(std::forward<Inputs>(inputs)),
        ahead_(std::max<std::size_t>(ahead, 1)),
        least_(2 * std::size_t{core.size()}) {}
  OrderedStream(const OrderedStream&) = delete;
  OrderedStream& operator=(const OrderedStream&) = delete;
  ~OrderedStream() {
    if (sent_.empty()) return;
    const std::vector<detail::JobCell*> cells(sent_.begin(), sent_.end());
    core_->cancel(cells.data(), cells.size(), detail::CancelHow::kWaitingOnly);
    for (detail::JobCell* const cell : cells) detail::release(*cell);
  }

  /// The next result; nothing behind the last. Throws as its get() does, and goes on behind it
  /// when it is called again.
  std::optional<Value> next() {
    if (!wait_next()) return std::nullopt;
    if constexpr (std::is_void_v<Result>) {
      take();
      return Value{};
    } else {
      return take();
    }
  }
  /// False: there is none. Else waits for it; take() is to be called then.
  bool wait_next() {
    // As many at once as have ended: each look at the pool costs a lock.
    if (sent_.size() <= low_) send();
    if (sent_.empty()) return false;
    detail::JobCell& front = *sent_.front();
    if (detail::fate_of(front) == detail::Fate::kPending) {
      send();
      core_->wait(front.fate, nullptr);
    }
    return true;
  }
  Result take() {
    const Future<Result> taken(sent_.front());
    detail::JobCell& cell = *sent_.front();
    sent_.pop_front();
    return detail::take_result<Result>(cell);
  }

  auto begin() { return detail::StreamIterator<OrderedStream>(this); }
  detail::End end() { return {}; }

 private:
  friend class detail::StreamIterator<OrderedStream>;

  void send() {
    std::size_t unseen = 0;
    while (sent_.size() < ahead_ && !source_.at_end()) {
      if (sent_.size() >= least_ && core_->is_crowded()) break;
      source_.take([&](auto&& input) {
        sent_.push_back(caller_.submit(nullptr, 0, detail::Announce::kLater,
                                       std::forward<decltype(input)>(input)));
      });
      if (++unseen % detail::kAnnounceEach == 0) core_->announce();
    }
    low_ = source_.at_end() ? 0 : ahead_ / 2;
    if (unseen % detail::kAnnounceEach != 0) core_->announce();
  }

  detail::PoolCore* core_;
  detail::Caller<F> caller_;
  detail::Source<Inputs> source_;
  std::size_t ahead_;
  std::size_t least_;    // so many even if they are large
  std::size_t low_ = 0;  // fewer than this on their way: more are to be sent
  std::deque<detail::JobCell*> sent_;
  std::optional<Value> current_;
};

/// A result with the place of its input.
template <typename R>
struct Indexed {
  std::size_t index = 0;
  R value;
};

/// Results as they end. One thread at a time uses it; it ends before its Pool does. Its end cancels
/// what has not started.
template <typename F, typename Inputs>
class EndedStream {
 public:
  using Result = detail::ResultOf<F, detail::ElementOf<Inputs>>;
  using Value = Indexed<std::conditional_t<std::is_void_v<Result>, std::monostate, Result>>;

  EndedStream(detail::PoolCore& core, F function, Inputs&& inputs, std::size_t ahead)
      : core_(&core),
        caller_(core, std::move(function)),
        source_(std::forward<Inputs>(inputs)),
        sent_(std::max<std::size_t>(ahead, 1)) {
    for (std::size_t place = sent_.size(); place > 0; --place) free_.push_back(place - 1);
  }
  EndedStream(const EndedStream&) = delete;
  EndedStream& operator=(const EndedStream&) = delete;
  ~EndedStream() {
    std::vector<detail::JobCell*> cells;
    for (const Sent& sent : sent_) cells.push_back(sent.cell);
    core_->forget(batch_, cells.data(), cells.size());
    core_->cancel(cells.data(), cells.size(), detail::CancelHow::kWaitingOnly);
    for (detail::JobCell* const cell : cells) {
      if (cell != nullptr) detail::release(*cell);
    }
    while (ended_ != nullptr) detail::release(*std::exchange(ended_, ended_->next));
  }

  /// The next to end; nothing behind the last. Throws as its get() does (failed_index() says whose
  /// it is), and goes on with others when it is called again.
  std::optional<Value> next() {
    if (ended_ == nullptr && !wait_for_more()) return std::nullopt;
    detail::JobCell& cell = *std::exchange(ended_, ended_->next);
    const Future<Result> taken(&cell);  // the batch's hold
    Sent& sent = sent_[cell.index];
    detail::release(*std::exchange(sent.cell, nullptr));
    free_.push_back(cell.index);
    failed_index_ = sent.index;
    if constexpr (std::is_void_v<Result>) {
      detail::take_result<Result>(cell);
      return Value{sent.index, {}};
    } else {
      return Value{sent.index, detail::take_result<Result>(cell)};
    }
  }
  /// The input's place of the result that next() gave or threw last.
  std::size_t failed_index() const { return failed_index_; }

  auto begin() { return detail::StreamIterator<EndedStream>(this); }
  detail::End end() { return {}; }

 private:
  friend class detail::StreamIterator<EndedStream>;

  struct Sent {
    detail::JobCell* cell = nullptr;
    std::size_t index = 0;
  };

  bool wait_for_more() {
    send();
    if (free_.size() == sent_.size()) return false;
    core_->wait(batch_.any, nullptr);
    ended_ = core_->take_ended(batch_);
    return true;
  }
  void send() {
    std::size_t unseen = 0;
    for (; !free_.empty() && !source_.at_end(); ++index_) {
      const std::size_t sent = sent_.size() - free_.size();
      if (sent >= 2 * std::size_t{core_->size()} && core_->is_crowded()) break;
      const std::size_t place = free_.back();
      source_.take([&](auto&& input) {
        sent_[place].cell = caller_.submit(&batch_, place, detail::Announce::kLater,
                                           std::forward<decltype(input)>(input));
      });
      sent_[place].index = index_;
      free_.pop_back();
      if (++unseen % detail::kAnnounceEach == 0) core_->announce();
    }
    if (unseen % detail::kAnnounceEach != 0) core_->announce();
  }

  detail::PoolCore* core_;
  detail::Caller<F> caller_;
  detail::Source<Inputs> source_;
  detail::Batch batch_;
  std::vector<Sent> sent_;         // by place, which is the cell's index
  std::vector<std::size_t> free_;  // places
  std::size_t index_ = 0;
  std::size_t failed_index_ = 0;
  detail::JobCell* ended_ = nullptr;  // taken from the batch, with a hold each
  std::optional<Value> current_;
};

}  // namespace enjoin
