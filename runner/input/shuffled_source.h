#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "runner/input/held_records.h"
#include "runner/input/input_source.h"

namespace enjoin {

/// All records of a source, in random order. They are held until all have been read. The same seed
/// gives the same order, on every machine and in every version of enjoin.
class ShuffledSource final : public InputSource {
 public:
  ShuffledSource(std::unique_ptr<InputSource> source, std::uint64_t seed);
  Pull pull(Record* record) override;
  int wait_fd() const override { return source_->wait_fd(); }

 private:
  void shuffle();

  std::unique_ptr<InputSource> source_;
  std::uint64_t random_state_;
  HeldRecords held_;
  std::vector<std::size_t> order_;
  std::size_t next_ = 0;
  bool all_held_ = false;
};

}  // namespace enjoin
