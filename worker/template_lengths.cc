// How long lines are, before they are made. Batches of -X and -m must end where those of GNU
// parallel end, so this counts as it counts, even where no line has these bytes: under -X a word
// that holds {1} or {#} counts as repeated, under -m each replacement string as joined by blanks.

#include <algorithm>

#include "worker/shell_quote.h"
#include "worker/template_plan.h"

namespace enjoin {
namespace {

using Kind = Piece::Kind;

/// See measure().
class Measurer {
 public:
  explicit Measurer(TemplatePlan* plan) : plan_(plan) {}

  void run() {
    for (const Group& group : plan_->groups) {
      for (std::uint32_t i = group.begin; i < group.end; ++i) {
        take(plan_->pieces[i]);
      }
      end_context();
    }
    if (!plan_->quote_words) return;
    plan_->base_bytes += kWordEndBytes;
    plan_->extra_bytes_of_piece = 2;
  }

 private:
  static constexpr std::size_t kWordEndBytes = 3;  // a blank, and quotes that a value may need

  void take(const Piece& piece) {
    switch (piece.kind) {
      case Kind::kLiteral:
        take_literal(std::string_view(plan_->literals).substr(piece.begin, piece.size));
        break;
      case Kind::kNothing:
        break;
      case Kind::kWordEnd:
        end_context();
        plan_->base_bytes += kWordEndBytes;
        break;
      default:
        context_has_slot_ = true;
        if (!by_context()) ++plan_->bytes_per_value;
        add(piece);
    }
  }

  void take_literal(std::string_view text) {
    if (plan_->quote_words) context_bytes_ += 2;  // for quotes that only a value makes necessary
    for (const char c : text) {
      if (c == ' ' || c == '\t') {
        end_context();
        ++plan_->base_bytes;
      } else {
        ++context_bytes_;
      }
    }
    if (plan_->quote_words) context_bytes_ += shell_quoted_length(text) - text.size();
  }

  void end_context() {
    if (by_context() && context_has_slot_) {
      plan_->bytes_per_value += context_bytes_ + 1;
    } else {
      plan_->base_bytes += context_bytes_;
    }
    context_bytes_ = 0;
    context_has_slot_ = false;
  }

  void add(const Piece& piece) {
    for (TemplatePlan::Measured& known : plan_->measured) {
      const Piece& other = known.piece;
      if (other.kind == piece.kind && other.part == piece.part &&
          other.position == piece.position && other.size == piece.size) {
        ++known.times;
        return;
      }
    }
    plan_->measured.push_back({.piece = piece});
  }

  bool by_context() const { return plan_->spread == Spread::kContext; }

  TemplatePlan* plan_;
  std::size_t context_bytes_ = 0;  // of the run of anything but blanks
  bool context_has_slot_ = false;
};

/// The bytes of a record's values in one place of the line.
class RecordRuler {
 public:
  RecordRuler(const TemplatePlan& plan, std::span<const std::string_view> record,
              std::size_t seq_digits)
      : quoted_(plan.quote_values || plan.quote_words),
        extra_(plan.extra_bytes_of_piece),
        record_(record),
        seq_digits_(seq_digits) {}

  std::size_t length(const TemplatePlan::Measured& measured) const {
    const Piece& piece = measured.piece;
    if (piece.kind == Kind::kSeq) {
      return std::max<std::size_t>(seq_digits_, piece.size);
    }
    if (piece.kind == Kind::kSlot) return std::max<std::size_t>(1, piece.size);
    // What is computed of a value counts as the value, whatever its position: a guess.
    if (piece.kind == Kind::kValue && piece.position != 0) {
      const std::string_view* value = value_at(record_, piece.position);
      if (value == nullptr) return 0;
      return part_length(*value, piece.part);
    }
    std::size_t length = 0;
    for (const std::string_view value : record_) length += part_length(value, piece.part);
    return length;
  }

 private:
  std::size_t part_length(std::string_view value, ValuePart part) const {
    const std::string_view text = value_part(value, part);
    return (quoted_ ? shell_quoted_length(text) : text.size()) + extra_;
  }

  const bool quoted_;
  const std::size_t extra_;
  const std::span<const std::string_view> record_;
  const std::size_t seq_digits_;
};

}  // namespace

void measure(TemplatePlan* plan) {
  Measurer(plan).run();
}

std::size_t Template::added_length(std::span<const std::string_view> record,
                                   std::size_t seq_digits) const {
  const RecordRuler ruler(*plan_, record, seq_digits);
  std::size_t length = plan_->bytes_per_value * record.size();
  for (const TemplatePlan::Measured& measured : plan_->measured) {
    length += measured.times * ruler.length(measured);
  }
  return length;
}

std::size_t Template::base_length() const {
  return plan_->base_bytes;
}

}  // namespace enjoin
