// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

namespace tradecore::schema {

/// How a schema file is applied.
struct schema_options {
    /// Run the file although the database has it already, same or changed. What the file drops is lost.
    bool recreate = false;
    /// How long to wait for another worker that is applying a schema.
    std::chrono::milliseconds wait{120'000};
    /// How often the lock is asked for while another holds it.
    std::chrono::milliseconds retry_every{500};
};

/// What a call did.
enum class schema_outcome {
    /// The file was run, and its marker written, in one transaction.
    applied,
    /// The database had it already.
    skipped
};

/// The database has this schema from a file with other content. Running the new file could destroy
/// what is there (schema files may begin with DROP TABLE), so nothing was done.
class schema_changed : public std::runtime_error {
public:
    schema_changed(std::string name, std::string recorded, std::string found);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// @returns the SHA-256 of the file that was applied, in hexadecimal.
    [[nodiscard]] const std::string& recorded_checksum() const noexcept { return recorded_; }
    /// @returns the SHA-256 of the file that was refused, in hexadecimal.
    [[nodiscard]] const std::string& found_checksum() const noexcept { return found_; }

private:
    std::string name_;
    std::string recorded_;
    std::string found_;
};

/// Another session held the schema lock for the whole time the caller was willing to wait.
class schema_lock_timeout : public std::runtime_error {
public:
    schema_lock_timeout(std::string key, std::chrono::milliseconds waited);

    [[nodiscard]] const std::string& key() const noexcept { return key_; }

private:
    std::string key_;
};

} // namespace tradecore::schema
