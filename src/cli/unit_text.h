#pragma once

#include <filesystem>
#include <string>

namespace countersign::cli {

// AgentUnit is packaging/systemd/countersign-agentd.service for an agent whose program and folder
// are elsewhere. Neither path may hold a line end.
[[nodiscard]] std::string AgentUnit(const std::filesystem::path& program,
                                    const std::filesystem::path& folder);

}  // namespace countersign::cli
