#include "store/registry.h"

namespace countersign::store {

std::string_view OrderStateName(OrderState state) {
  switch (state) {
    case OrderState::kQueued:
      return "queued";
    case OrderState::kSent:
      return "sent";
    case OrderState::kUnknown:
      return "unknown";
    case OrderState::kDone:
      return "done";
    case OrderState::kLapsed:
      return "lapsed";
  }
  return "unknown";
}

std::string_view ProofKindName(ProofKind kind) {
  return kind == ProofKind::kReceipt ? "receipt" : "report";
}

std::string_view MovingStateName(MovingState state) {
  switch (state) {
    case MovingState::kWaiting:
      return "waiting";
    case MovingState::kOrdered:
      return "ordered";
    case MovingState::kMoved:
      return "moved";
    case MovingState::kFailed:
      break;
  }
  return "failed";
}

}  // namespace countersign::store
