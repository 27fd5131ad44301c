#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "worker/template.h"
#include "worker/template_plan.h"

namespace enjoin {

/// The replacement strings of a template that need no computing, as it spells them (-I, --bnr,
/// --plus, …). The parser finds them in the command, and whoever looks for others there must know
/// what is one of these.
class SpellingTable {
 public:
  explicit SpellingTable(const TemplateSpec& spec);

  struct Match {
    std::size_t size = 0;      ///< bytes of the text; 0: no match
    std::size_t tag_size = 0;  ///< the same without a position: {2.} has the tag {.}
    Piece piece;
  };

  /// The longest one that `text` begins with.
  Match match(std::string_view text) const;

  /// `{}`, however it is spelled: what is appended to a command without any.
  static Piece whole() { return {.kind = Piece::Kind::kValue}; }

 private:
  struct Spelling {
    std::string text;
    Piece piece;
  };
  static Match match_position(std::string_view text, const Spelling& spelling);

  std::vector<Spelling> spellings_;
};

/// A position as it is written, "12" or "-1", at the begin of `text`; says how many bytes it has in
/// `size`, with blanks behind it (0: none). Positions that no job reaches become one that none has.
std::int32_t read_position(std::string_view text, std::size_t* size);

}  // namespace enjoin
