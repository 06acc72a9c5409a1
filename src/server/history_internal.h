#pragma once

#include "server/history.h"

// Private to history*.cc.
namespace countersign::server {

// TellingOf is the part of a line that says what its event says.
[[nodiscard]] wire::HistoryLine TellingOf(const store::EventRow& event);
[[nodiscard]] bool TellsTheSame(const wire::HistoryLine& a, const wire::HistoryLine& b);

}  // namespace countersign::server
