#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/time.h"
#include "keys/tar.h"

// What an installation package for endpoints holds, in its three forms. Pure but for FindPrograms.
namespace countersign::cli {

// EndpointPrograms are the programs that run on endpoints.
struct EndpointPrograms {
  Bytes agent;  // countersign-agentd
  Bytes mover;  // IpXfer, which is IpXfer_x64 as well
};

// FindPrograms reads them from `folder`, or, if that is empty, from where the running program is:
// there, in its folder `endpoint`, or in /usr/lib/countersign/endpoint. kNotFound says what to do.
[[nodiscard]] Result<EndpointPrograms> FindPrograms(const std::filesystem::path& folder);

enum class PackageForm { kFolder, kTarGz, kDeb };

// PackageFormOf tells the form by the name of what is to be made; kUsage for the name of another
// kind of archive, which would become an oddly named folder.
[[nodiscard]] Result<PackageForm> PackageFormOf(const std::filesystem::path& output);

struct EndpointPackage {
  Bytes certificate;  // OfcNTCer.dat
  Bytes settings;     // package.toml
  std::vector<keys::TarEntry> programs;
};
// ProgramEntries are the programs as entries of a package: countersign-agentd, IpXfer.
[[nodiscard]] std::vector<keys::TarEntry> ProgramEntries(EndpointPrograms programs);

// FolderEntries are the files of a package that is a folder or an archive of one: certificate,
// settings (0600), programs, unit, and install.sh, which runs the agent's `install` on the folder.
[[nodiscard]] std::vector<keys::TarEntry> FolderEntries(const EndpointPackage& package);

// ArchiveEntries are the same within a folder countersign-agent.
[[nodiscard]] std::vector<keys::TarEntry> ArchiveEntries(const EndpointPackage& package);

// DebFor lays out the Debian package countersign-agent of this version, made at `at`.
[[nodiscard]] keys::DebPackage DebFor(const EndpointPackage& package, Instant at);

}  // namespace countersign::cli
