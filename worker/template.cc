#include "worker/template.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "worker/shell_quote.h"
#include "worker/shell_words.h"
#include "worker/template_plan.h"

namespace enjoin {
namespace {

using Kind = Piece::Kind;

/// Writes one job's line. Under -q, words are first written as they are and quoted when they end.
class LineWriter {
 public:
  LineWriter(const TemplatePlan& plan, const JobInputs& inputs, const JobNumbers& numbers,
             std::string* line)
      : plan_(plan), inputs_(inputs), values_(inputs.values), numbers_(numbers), line_(line) {}

  void run() {
    line_->clear();
    for (const Group& group : plan_.groups) {
      first_value_ = 0;
      if (!group.repeated || values_.empty()) {
        write_pieces(group, values_);
        continue;
      }
      for (std::size_t i = 0; i < values_.size(); ++i) {
        if (i > 0) separate();
        first_value_ = i;
        write_pieces(group, values_.subspan(i, 1));
      }
    }
    if (!plan_.quote_words) return;
    end_word();
    if (!line_->empty()) line_->pop_back();
  }

 private:
  using Values = std::span<const std::string_view>;

  void write_pieces(const Group& group, Values all) {
    for (std::uint32_t i = group.begin; i < group.end; ++i) write_piece(plan_.pieces[i], all);
  }

  void write_piece(const Piece& piece, Values all) {
    switch (piece.kind) {
      case Kind::kLiteral:
        line_->append(plan_.literals, piece.begin, piece.size);
        break;
      case Kind::kValue:
        word_has_value_ = true;
        if (piece.is_all_values()) {
          write_values(all, piece.part);
        } else if (const std::string_view* value = value_at(values_, piece.position)) {
          write_value(value_part(*value, piece.part));
        }
        break;
      case Kind::kComputed:
        word_has_value_ = true;
        if (piece.is_all_values()) {
          write_computed(piece, all.size());
        } else {
          write_computed(computed(piece, 0));
        }
        break;
      case Kind::kSeq:
      case Kind::kSlot:
        write_number(piece);
        break;
      case Kind::kNothing:
        break;
      case Kind::kWordEnd:
        end_word();
        break;
    }
  }

  void write_values(Values values, ValuePart part) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) separate();
      write_value(value_part(values[i], part));
    }
  }

  void write_value(std::string_view value) {
    if (plan_.quote_values) {
      append_shell_quoted(value, line_);
    } else {
      line_->append(value);
    }
  }

  std::string_view computed(const Piece& piece, std::size_t value) const {
    return computed_string(plan_.placed[piece.begin], inputs_, numbers_, value);
  }

  void write_computed(const Piece& piece, std::size_t values) {
    if (values_.empty()) values = 1;  // as if there were an empty one
    for (std::size_t i = 0; i < values; ++i) {
      if (i > 0) separate();
      write_computed(computed(piece, first_value_ + i));
    }
  }

  void write_computed(std::string_view string) {
    const std::string_view text = string.substr(1);
    if (string.front() == kComputedQuoted) {
      write_value(text);
    } else if (string.front() == kComputedAsIs) {
      line_->append(text);
    }
  }

  void write_number(const Piece& piece) {
    std::array<char, kMostDigits> digits;
    line_->append(digits.data(), enjoin::write_number(piece, numbers_, digits.data()));
  }

  void separate() {
    if (plan_.quote_words) {
      end_word();
    } else {
      line_->push_back(' ');
    }
  }

  void end_word() {
    thread_local std::string word;
    word.assign(*line_, word_begin_);
    // Without values (-N0) a word that is nothing but a replacement string is no word.
    if (!word.empty() || !word_has_value_ || !values_.empty()) {
      line_->resize(word_begin_);
      append_shell_quoted(word, line_);
      line_->push_back(' ');
    }
    word_begin_ = line_->size();
    word_has_value_ = false;
  }

  const TemplatePlan& plan_;
  const JobInputs& inputs_;
  const Values values_;
  const JobNumbers& numbers_;
  std::string* line_;
  std::size_t first_value_ = 0;  // the number of the first of those that are written
  std::size_t word_begin_ = 0;
  bool word_has_value_ = false;
};

}  // namespace

const std::string_view* value_at(std::span<const std::string_view> values, std::int32_t position) {
  const auto count = static_cast<std::int64_t>(values.size());
  std::int64_t index = position > 0 ? position - 1 : count + position;
  if (index < 0) index += count;
  if (index < 0 || index >= count) return nullptr;
  return &values[static_cast<std::size_t>(index)];
}

std::string_view computed_string(const TemplateSpec::Placed& placed, const JobInputs& inputs,
                                 const JobNumbers& numbers, std::size_t value) {
  constexpr std::string_view nothing(&kComputedNothing, 1);
  const std::size_t slot = placed.slots > 1 ? std::min(numbers.slot, placed.slots) - 1 : 0;
  const std::size_t values = std::max<std::size_t>(inputs.values.size(), 1);
  const std::size_t at =
      placed.first + placed.first_per_value * values + value * placed.slots + slot;
  if (at >= inputs.computed.size() || inputs.computed[at].empty()) return nothing;
  return inputs.computed[at];
}

char* write_number(const Piece& piece, const JobNumbers& numbers, char* out) {
  const std::uint64_t number = piece.kind == Kind::kSeq ? numbers.seq : numbers.slot;
  const auto moved = number + static_cast<std::uint64_t>(std::int64_t{piece.position});
  const bool is_negative = piece.position < 0 && moved > number;
  std::array<char, kSeqDigits> digits;
  char* const last = digits.data() + digits.size();
  const char* const end =
      is_negative ? std::to_chars(digits.data(), last, static_cast<std::int64_t>(moved)).ptr
                  : std::to_chars(digits.data(), last, moved).ptr;
  const auto size = static_cast<std::size_t>(end - digits.data());
  const std::size_t width = std::min<std::size_t>(piece.size, kMostDigits);
  for (std::size_t i = size; i < width; ++i) *out++ = '0';
  return std::copy(static_cast<const char*>(digits.data()), end, out);
}

namespace {

// Words are made without a line only where all that was computed is to be quoted.
bool all_are_quoted(std::span<const std::string_view> computed) {
  return std::all_of(computed.begin(), computed.end(),
                     [](std::string_view string) { return string.starts_with(kComputedQuoted); });
}

}  // namespace

void Template::expand_line(const JobInputs& inputs, const JobNumbers& numbers,
                           std::string* line) const {
  LineWriter(*plan_, inputs, numbers, line).run();
}

bool Template::expand_argv(const JobInputs& inputs, const JobNumbers& numbers,
                           std::string_view shell_name, Argv* out) const {
  using Way = TemplatePlan::Way;
  if (plan_->way == Way::kShell || shell_kind(shell_name) == ShellKind::kOther) return false;
  out->words.clear();
  if (plan_->way == Way::kPlanned && inputs.values.size() >= plan_->least_values &&
      all_are_quoted(inputs.computed)) {
    expand_planned_words(*plan_, inputs, numbers, out);
  } else {
    expand_line(inputs, numbers, &out->text);
    if (!split_simple_line(&out->text, &out->words)) return false;
  }
  out->words.push_back(nullptr);
  return true;
}

bool Template::uses_input() const {
  return plan_->uses_input;
}

std::size_t Template::computed_strings() const {
  std::size_t count = 0;
  for (const TemplateSpec::Placed& placed : plan_->placed) {
    if (placed.kind != TemplateSpec::Placed::Kind::kComputed) continue;
    const std::size_t end = std::size_t{placed.first} + placed.first_per_value + placed.slots;
    count = std::max(count, end);
  }
  return count;
}

bool Template::needs_slot() const {
  return plan_->needs_slot;
}

bool Template::is_constant() const {
  return std::all_of(plan_->pieces.begin(), plan_->pieces.end(), [](const Piece& piece) {
    return piece.kind == Kind::kLiteral || piece.kind == Kind::kWordEnd;
  });
}

}  // namespace enjoin
