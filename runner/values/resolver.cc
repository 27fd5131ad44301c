// A command is read from left to right. At each place the candidates are: a Perl expression, what
// --rpl defines, what --plus defines, and the replacement strings that the workers know. Of those
// that match, the one with the longest tag counts, a definition before what is built in.

#include "runner/values/resolver.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <vector>

#include "enjoin/error.h"
#include "runner/values/definition.h"
#include "runner/values/evaluator.h"
#include "runner/values/plus_forms.h"
#include "worker/template_spelling.h"

namespace enjoin {
namespace {

using Placed = TemplateSpec::Placed;

/// {slot} and the like are written as variables of the job's environment.
constexpr std::pair<std::string_view, std::string_view> kVariables[] = {
    {"{slot}", "${PARALLEL_JOBSLOT}"},       {"{sshlogin}", "${PARALLEL_SSHLOGIN}"},
    {"{host}", "${PARALLEL_SSHHOST}"},       {"{hgrp}", "${PARALLEL_HOSTGROUPS}"},
    {"{agrp}", "${PARALLEL_ARGHOSTGROUPS}"},
};

/// {seq}, {seq-1}, {slot+2}: the number with an offset. {seq*2-1}: what Perl makes of it.
struct ShiftedNumber {
  std::size_t size = 0;
  Placed placed = {};
  std::string code = {};
};

ShiftedNumber read_shifted_number(std::string_view text) {
  const std::size_t end = text.find('}');
  if (end == text.npos) return {};
  const bool is_seq = text.starts_with("{seq");
  if (!is_seq && !text.starts_with("{slot")) return {};
  const std::string name = is_seq ? "seq" : "slot";
  std::string_view inside = text.substr(1 + name.size(), end - 1 - name.size());
  ShiftedNumber number{.size = end + 1};
  number.placed.kind = is_seq ? Placed::Kind::kSeq : Placed::Kind::kSlot;
  if (inside.empty()) return number;
  if (inside.find_first_not_of("0123456789+-*/%(). ") != inside.npos) return {};
  const std::string code = "$_ = " + name + "() " + std::string(inside);
  if (inside.front() == '+') inside.remove_prefix(1);
  std::size_t digits = 0;
  number.placed.offset = read_position(inside, &digits);
  constexpr std::size_t most_digits = 9;
  if (digits == 0 || digits != inside.size() || digits > most_digits) number.code = code;
  return number;
}

class Resolver {
 public:
  Resolver(TemplateSpec spec, Evaluator& evaluator)
      : spec_(std::move(spec)), evaluator_(evaluator), spellings_(spec_) {
    for (const std::string& text : spec_.definitions) definitions_.emplace_back(text);
  }

  TemplateSpec run() {
    insert_names();
    join_expressions();
    std::vector<std::string> words = std::move(spec_.words);
    spec_.words.clear();
    for (const std::string& word : words) {
      out_.clear();
      take_text(word);
      spec_.words.push_back(std::move(out_));
    }
    if (found_) spec_.append_if_absent = false;
    spec_.definitions.clear();
    spec_.names.clear();
    return std::move(spec_);
  }

 private:
  // ---- names: GNU parallel, too, replaces them as text before all else ----

  void insert_names() {
    std::vector<std::pair<std::string, std::size_t>> names;
    for (std::size_t i = 0; i < spec_.names.size(); ++i) {
      if (!spec_.names[i].empty()) names.emplace_back(spec_.names[i], i + 1);
    }
    if (names.empty()) return;
    for (std::string& word : spec_.words) {
      std::string result;
      for (std::string_view rest = word; !rest.empty();) {
        const std::size_t size = take_name(names, rest, &result);
        if (size == 0) result += rest.front();
        rest.remove_prefix(std::max<std::size_t>(size, 1));
      }
      word = std::move(result);
    }
  }

  std::size_t take_name(const std::vector<std::pair<std::string, std::size_t>>& names,
                        std::string_view text, std::string* result) const {
    if (text.starts_with('{')) {
      for (const auto& [name, position] : names) {
        if (!text.substr(1).starts_with(name)) continue;
        const std::string_view tail = text.substr(1 + name.size());
        for (const std::string_view end : {"}", ".}", "/}", "//}", "/.}"}) {
          if (!tail.starts_with(end)) continue;
          result->append("{").append(std::to_string(position)).append(end);
          return 1 + name.size() + end.size();
        }
      }
    }
    if (!text.starts_with(spec_.perl_open)) return 0;
    const std::string_view after = text.substr(spec_.perl_open.size());
    for (const auto& [name, position] : names) {
      if (!after.starts_with(name) || is_word(after.substr(name.size()))) continue;
      result->append(spec_.perl_open).append(std::to_string(position));
      return spec_.perl_open.size() + name.size();
    }
    return 0;
  }

  static bool is_word(std::string_view text) {
    return !text.empty() &&
           (std::isalnum(static_cast<unsigned char>(text.front())) != 0 || text.front() == '_');
  }

  // ---- expressions may go over several words: {= '$_++' =} ----

  void join_expressions() {
    std::vector<std::string> joined;
    bool open = false;
    for (std::string& word : spec_.words) {
      if (open) {
        joined.back().append(" ").append(word);
      } else {
        joined.push_back(std::move(word));
      }
      open = ends_inside_expression(joined.back());
    }
    spec_.words = std::move(joined);
    if (!open) return;
    const std::string& word = spec_.words.back();
    throw Error("the expression " + word.substr(word.rfind(spec_.perl_open)) + " has no end " +
                spec_.perl_close + "; to have the text as it is, write " +
                spec_.perl_open.substr(0, 1) + "''" + spec_.perl_open.substr(1));
  }

  bool ends_inside_expression(std::string_view word) const {
    while (true) {
      const std::size_t begin = word.find(spec_.perl_open);
      if (begin == word.npos) return false;
      const bool is_begin = begins_expression(word.substr(begin));
      word.remove_prefix(begin + spec_.perl_open.size());
      if (!is_begin) continue;
      const std::size_t end = word.find(spec_.perl_close);
      if (end == word.npos) return true;
      word.remove_prefix(end + spec_.perl_close.size());
    }
  }

  // ---- places ----

  void take_text(std::string_view text) {
    while (!text.empty()) {
      std::size_t size = take_perl(text);
      if (size == 0) size = take_definition(text);
      if (size == 0 && spec_.plus) size = take_plus(text);
      if (size == 0) {
        // Whole, so that no part of it is taken for something else.
        size = std::max<std::size_t>(spellings_.match(text).size, 1);
        out_ += text.substr(0, size);
      }
      text.remove_prefix(size);
    }
  }

  // `{=}` begins nothing.
  bool begins_expression(std::string_view text) const {
    return text.starts_with(spec_.perl_open) &&
           !text.substr(spec_.perl_open.size() - 1).starts_with(spec_.perl_close);
  }

  std::size_t take_perl(std::string_view text) {
    if (!begins_expression(text)) return 0;
    const std::string_view inside = text.substr(spec_.perl_open.size());
    const std::size_t end = inside.find(spec_.perl_close);
    const std::size_t size = spec_.perl_open.size() + end + spec_.perl_close.size();
    std::size_t digits = 0;
    const std::int32_t position = read_position(inside, &digits);
    add({.shown = std::string(text.substr(0, size)),
         .perl = std::string(inside.substr(digits, end - digits)),
         .position = digits == 0 ? 0 : position});
    return size;
  }

  std::size_t take_definition(std::string_view text) {
    const std::size_t own = spellings_.match(text).tag_size;
    const Definition* best = nullptr;
    std::optional<Definition::Match> match;
    for (Definition& definition : definitions_) {
      if (definition.tag().size() < own) continue;
      if (best != nullptr && definition.tag().size() <= best->tag().size()) continue;
      if (auto found = definition.match(text)) {
        match = std::move(found);
        best = &definition;
      }
    }
    if (best == nullptr) return 0;
    if (best->position() != 0 && match->position != 0) {
      add_placed({.kind = Placed::Kind::kNothing});
    } else {
      const std::int32_t position = best->position() != 0 ? best->position() : match->position;
      add({.shown = "--rpl '" + best->text() + "'",
           .perl = best->code(),
           .groups = match->groups,
           .position = position});
    }
    return match->size;
  }

  std::size_t take_plus(std::string_view text) {
    if (!text.starts_with('{')) return 0;
    if (const std::size_t size = take_variable(text); size != 0) return size;
    if (const ShiftedNumber number = read_shifted_number(text); number.size != 0) {
      if (number.code.empty()) {
        add_placed(number.placed);
      } else {
        add({.shown = std::string(text.substr(0, number.size)),
             .perl = number.code,
             .position = 1});
      }
      return number.size;
    }
    constexpr std::string_view padded_slot = "{0%}";
    if (text.starts_with(padded_slot)) {
      const auto width = static_cast<std::uint32_t>(std::to_string(evaluator_.workers()).size());
      add_placed({.kind = Placed::Kind::kSlot, .width = width});
      return padded_slot.size();
    }
    const SpellingTable::Match own = spellings_.match(text);
    PlusForm form = read_plus_form(text);
    // {0#} is {#} with a position too; else what the workers know is the shorter.
    if (form.size == 0 || (own.size != 0 && own.tag_size >= form.size)) return 0;
    if (form.once && form.position != 0) {
      add_placed({.kind = Placed::Kind::kNothing});
    } else {
      found_ = true;
      const std::int32_t position = form.once ? 1 : form.position;
      mark(evaluator_.place({.shown = std::string(text.substr(0, form.size)),
                             .native = std::move(form.evaluate),
                             .position = position},
                            form.needs_total));
    }
    return form.size;
  }

  std::size_t take_variable(std::string_view text) {
    std::size_t digits = 0;
    const std::int32_t position = read_position(text.substr(1), &digits);
    for (const auto& [tag, variable] : kVariables) {
      if (!text.substr(1 + digits).starts_with(tag.substr(1))) continue;
      if (position != 0) {
        add_placed({.kind = Placed::Kind::kNothing});
      } else {
        out_ += variable;
        found_ = true;
      }
      return tag.size() + digits;
    }
    return 0;
  }

  void add(Expression expression) { add_placed(evaluator_.place(std::move(expression), false)); }

  void add_placed(const Placed& placed) {
    found_ = true;
    mark(placed);
  }

  void mark(const Placed& placed) {
    out_.push_back('\0');
    out_ += std::to_string(spec_.placed.size());
    out_.push_back('\0');
    spec_.placed.push_back(placed);
  }

  TemplateSpec spec_;
  Evaluator& evaluator_;
  const SpellingTable spellings_;
  std::vector<Definition> definitions_;
  std::string out_;
  bool found_ = false;
};

}  // namespace

TemplateSpec resolve_template(TemplateSpec spec, Evaluator& evaluator) {
  const bool has_perl =
      std::any_of(spec.words.begin(), spec.words.end(),
                  [&](const std::string& word) { return word.find(spec.perl_open) != word.npos; });
  if (!has_perl && !spec.plus && spec.definitions.empty() && spec.names.empty()) return spec;
  return Resolver(std::move(spec), evaluator).run();
}

bool is_constant(const TemplateSpec& spec) {
  Evaluator scratch(1);
  return Template::parse(resolve_template(spec, scratch)).is_constant();
}

}  // namespace enjoin
