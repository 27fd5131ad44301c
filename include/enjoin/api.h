#pragma once

/// What the shared library shows of itself; everything else in it is hidden.
#define ENJOIN_API __attribute__((visibility("default")))
