#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runner/input/held_records.h"
#include "runner/input/input_source.h"
#include "runner/input/product_source.h"

namespace enjoin {

/// Several parts that go in step: the first record of each together, then the second of each, ...
/// A part without records counts as one of empty values, unless all are without.
class LinkedSource final : public InputSource {
 public:
  enum class Unequal : std::uint8_t {
    kShortest,  ///< it ends with the shortest (`:::+`); nothing is held
    kRecycle,   ///< the shorter ones begin again (--link); records are held until one part is left
  };

  LinkedSource(std::vector<InputPart> parts, Unequal unequal);
  Pull pull(Record* record) override;
  int wait_fd() const override;

 private:
  struct Member {
    InputPart part;
    Record record = {};  // of this step
    HeldRecords held = {};
    std::size_t count = 0;  // records that it gave
    bool ended = false;
  };

  Pull pull_member(Member& member);
  bool step_is_last() const;
  void write(Record* record) const;

  std::vector<Member> members_;
  const Unequal unequal_;
  std::size_t pulled_ = 0;  // members that have been asked in this step
  std::size_t steps_ = 0;   // complete ones
  std::size_t ended_ = 0;   // members that have
  bool is_over_ = false;
};

}  // namespace enjoin
