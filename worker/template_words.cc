// The fast way to words. A line that needs no shell is cut into words when the template is parsed,
// with marks where values will stand; a job then fills the marks. Most words need no copy: literal
// ones are kept ready, and a word that is just `{}` is a pointer to the value itself, which the
// caller holds with a NUL behind. 17,000 values of -X cost 17,000 pointers.

#include <algorithm>
#include <cstring>
#include <iterator>

#include "worker/shell_lexer.h"
#include "worker/template_plan.h"

namespace enjoin {
namespace {

using Kind = Piece::Kind;

bool is_slot(const Piece& piece) {
  return piece.kind != Kind::kLiteral;
}

/// Takes words from the lexer. The line's marks are the plan's slots, in order.
class WordPlanner {
 public:
  explicit WordPlanner(TemplatePlan* plan) : plan_(plan) {
    std::copy_if(plan->pieces.begin(), plan->pieces.end(), std::back_inserter(slots_), is_slot);
  }

  void put(char c) {
    word_has_blank_ |= c == ' ' || c == '\t';
    const auto at = static_cast<std::uint32_t>(plan_->constants.size());
    plan_->constants.push_back(c);
    std::vector<Piece>& pieces = plan_->word_pieces;
    if (pieces.size() == word_begin_ || pieces.back().kind != Kind::kLiteral) {
      pieces.push_back({.begin = at});
    }
    ++pieces.back().size;
  }

  void mark() { plan_->word_pieces.push_back(slots_[next_slot_++]); }

  void end_word() {
    std::vector<Piece>& pieces = plan_->word_pieces;
    PlannedWord word{.begin = word_begin_, .end = static_cast<std::uint32_t>(pieces.size())};
    const std::span<const Piece> own(pieces.data() + word.begin, word.end - word.begin);
    if (std::none_of(own.begin(), own.end(), is_slot)) {
      word.begin = static_cast<std::uint32_t>(plan_->constants.size());
      if (!own.empty()) word.begin -= own[0].size;
      plan_->constants.push_back('\0');
      pieces.resize(word_begin_);
    } else {
      word.kind = is_tail_of_value(own) ? PlannedWord::Kind::kPointer : PlannedWord::Kind::kCopied;
      word.repeated = plan_->spread == Spread::kContext &&
                      std::any_of(own.begin(), own.end(),
                                  [](const Piece& piece) { return piece.is_all_values(); });
      // A context ends at a blank, even a quoted one: there it is no whole word.
      fits_ &= !(word.repeated && word_has_blank_);
      reserve(word, own);
    }
    plan_->words.push_back(word);
    word_begin_ = static_cast<std::uint32_t>(pieces.size());
    word_has_blank_ = false;
  }

  /// False where the words cannot be planned, though single lines may well be simple.
  bool fits() const { return fits_; }

 private:
  static bool is_tail_of_value(std::span<const Piece> pieces) {
    if (pieces.size() != 1) return false;
    return pieces[0].kind == Kind::kComputed ||
           (pieces[0].kind == Kind::kValue &&
            (pieces[0].part == ValuePart::kWhole || pieces[0].part == ValuePart::kBase));
  }

  void reserve(const PlannedWord& word, std::span<const Piece> pieces) {
    for (const Piece& piece : pieces) {
      if (!piece.is_of_values() || piece.position == 0) continue;
      const auto number = static_cast<std::size_t>(
          piece.position > 0 ? piece.position : (1 - std::int64_t{piece.position}) / 2);
      plan_->least_values = std::max(plan_->least_values, number);
      fits_ &= !word.repeated;  // for then it would take space times the number of values
    }
    if (word.kind != PlannedWord::Kind::kCopied) return;
    std::size_t& bytes = word.repeated ? plan_->copied_bytes_per_value : plan_->copied_bytes;
    ++bytes;
    for (const Piece& piece : pieces) {
      if (piece.kind == Kind::kValue) {
        ++plan_->copied_value_pieces;
      } else if (piece.kind == Kind::kComputed) {
        ++plan_->copied_computed_pieces;
      } else {
        bytes += piece.kind == Kind::kLiteral ? piece.size : kMostDigits;
      }
    }
  }

  TemplatePlan* plan_;
  std::vector<Piece> slots_;
  std::size_t next_slot_ = 0;
  std::uint32_t word_begin_ = 0;
  bool word_has_blank_ = false;
  bool fits_ = true;
};

std::string line_with_marks(const TemplatePlan& plan) {
  std::string line;
  for (const Piece& piece : plan.pieces) {
    if (piece.kind == Kind::kLiteral) {
      line.append(plan.literals, piece.begin, piece.size);
    } else {
      line.push_back('\0');
    }
  }
  return line;
}

/// Writes the words of one job into text that is large enough.
class WordWriter {
 public:
  WordWriter(const TemplatePlan& plan, const JobInputs& inputs, const JobNumbers& numbers,
             Argv* out)
      : plan_(plan),
        inputs_(inputs),
        values_(inputs.values),
        numbers_(numbers),
        words_(out->words) {
    std::size_t needed = plan.copied_bytes + plan.copied_bytes_per_value * values_.size();
    if (plan.copied_value_pieces > 0) {
      // Each with a NUL, and room for {//} of an empty value.
      std::size_t values_bytes = 2 * values_.size();
      for (const std::string_view value : values_) values_bytes += value.size();
      needed += plan.copied_value_pieces * values_bytes;
    }
    if (plan.copied_computed_pieces > 0) {
      std::size_t bytes = 2 * values_.size() + 2;
      for (const std::string_view string : inputs.computed) bytes += string.size();
      needed += plan.copied_computed_pieces * bytes;
    }
    if (out->text.size() < needed) out->text.resize(needed);
    at_ = out->text.data();
  }

  void write(const PlannedWord& word) {
    switch (word.kind) {
      case PlannedWord::Kind::kConstant:
        words_.push_back(plan_.constants.data() + word.begin);
        break;
      case PlannedWord::Kind::kPointer:
        write_pointer(plan_.word_pieces[word.begin]);
        break;
      case PlannedWord::Kind::kCopied:
        if (!word.repeated) {
          write_copy(word, values_);
          break;
        }
        for (std::size_t i = 0; i < values_.size(); ++i) {
          first_value_ = i;
          write_copy(word, values_.subspan(i, 1));
        }
        first_value_ = 0;
        break;
    }
  }

 private:
  using Values = std::span<const std::string_view>;

  void write_pointer(const Piece& piece) {
    const std::size_t count = piece.is_all_values() ? values_.size() : 1;
    for (std::size_t i = 0; i < count; ++i) words_.push_back(part_of(piece, values_, i).data());
  }

  // Of value `i` of `all`, or of that which has the piece's position.
  std::string_view part_of(const Piece& piece, Values all, std::size_t i) const {
    if (piece.kind == Kind::kComputed) {
      const std::size_t number = piece.is_all_values() ? first_value_ + i : 0;
      return computed_string(plan_.placed[piece.begin], inputs_, numbers_, number).substr(1);
    }
    return value_part(piece.is_all_values() ? all[i] : *value_at(values_, piece.position),
                      piece.part);
  }

  void write_copy(const PlannedWord& word, Values all) {
    word_ = at_;
    for (std::uint32_t i = word.begin; i < word.end; ++i) {
      const Piece& piece = plan_.word_pieces[i];
      switch (piece.kind) {
        case Kind::kLiteral:
          copy(std::string_view(plan_.constants).substr(piece.begin, piece.size));
          break;
        case Kind::kValue:
        case Kind::kComputed:
          write_values(piece, all);
          break;
        case Kind::kSeq:
        case Kind::kSlot:
          at_ = write_number(piece, numbers_, at_);
          break;
        case Kind::kNothing:
        case Kind::kWordEnd:
          break;
      }
    }
    end_word();
  }

  void write_values(const Piece& piece, Values all) {
    const std::size_t count = piece.is_all_values() ? all.size() : 1;
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) end_word();
      copy(part_of(piece, all, i));
    }
  }

  void end_word() {
    *at_++ = '\0';
    words_.push_back(word_);
    word_ = at_;
  }

  void copy(std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }

  const TemplatePlan& plan_;
  const JobInputs& inputs_;
  const Values values_;
  const JobNumbers& numbers_;
  std::vector<const char*>& words_;
  std::size_t first_value_ = 0;  // the number of the first of those that are written
  char* at_ = nullptr;
  char* word_ = nullptr;
};

}  // namespace

void plan_words(TemplatePlan* plan) {
  using Way = TemplatePlan::Way;
  plan->way = Way::kSplitLine;
  if (!plan->quote_values) return;
  for (const Piece& piece : plan->pieces) {
    if (piece.kind == Kind::kNothing) return;
  }
  WordPlanner planner(plan);
  const std::string line = line_with_marks(*plan);
  if (!SimpleLexer<WordPlanner>(line, planner).run()) {
    plan->way = Way::kShell;
  } else if (planner.fits()) {
    plan->way = Way::kPlanned;
  }
}

void expand_planned_words(const TemplatePlan& plan, const JobInputs& inputs,
                          const JobNumbers& numbers, Argv* out) {
  WordWriter writer(plan, inputs, numbers, out);
  for (const PlannedWord& word : plan.words) writer.write(word);
}

}  // namespace enjoin
