#pragma once

#include "worker/template.h"

namespace enjoin {

class Evaluator;

/// Finds in the template's words what only the runner can read, and puts marks in its place
/// (TemplateSpec::placed): Perl expressions {= =}, replacement strings of --rpl, those of --plus
/// that must be computed, and, of --header, {name} {name.} {name/} {name//} {name/.} {=name =}. The
/// expressions are given to `evaluator`. Fields that are dealt with by this are emptied. A template
/// without any of these comes back as it is.
///
/// Throws Error where an expression has no end, or a definition or regular expression is not valid.
TemplateSpec resolve_template(TemplateSpec spec, Evaluator& evaluator);

/// Whether the template is the same text for every job. Throws Error likewise.
bool is_constant(const TemplateSpec& spec);

}  // namespace enjoin
