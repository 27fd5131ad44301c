#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "runner/input/held_records.h"
#include "runner/input/input_source.h"

namespace enjoin {

/// A part of a product or a link.
struct InputPart {
  std::unique_ptr<InputSource> source;
  std::size_t columns = 1;  ///< how many empty values stand for it where it has none
};

/// Every combination of the records of several parts; the last part varies fastest. The first part
/// streams; the others are read completely once the first record of the first is there.
///
/// A part without records counts as one of empty values, unless all are without: then there are no
/// records (as GNU parallel does it).
class ProductSource final : public InputSource {
 public:
  ProductSource(InputPart first, std::vector<InputPart> others);
  Pull pull(Record* record) override;
  int wait_fd() const override;

 private:
  struct Held {
    InputPart part;
    HeldRecords records = {};
    std::size_t at = 0;  // the record that is next
  };

  Pull next_first();
  Pull load_others();
  bool advance_others();
  void write(Record* record) const;

  InputPart first_;
  std::vector<Held> others_;
  Record first_record_;
  Record loading_;
  std::size_t loaded_ = 0;        // how many of others_ are held completely
  bool others_are_empty_ = true;  // none of them had a record
  bool has_first_ = false;        // first_record_ is one whose combinations have not begun
  bool first_is_empty_ = false;   // it stands for no record
  bool first_had_records_ = false;
  bool in_row_ = false;  // first_record_ has combinations left
  bool ended_ = false;
};

}  // namespace enjoin
