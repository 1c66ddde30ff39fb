// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/parameters.hpp>
#include <tradecore/pg/vocabulary.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tradecore::pg::protocol {

/// The messages that run one prepared statement in the unnamed portal, with a hole where the arguments go.
///
/// Everything but the arguments is put together once, when the statement is prepared: appending three pieces takes a
/// third of the instructions of writing each field.
class execution_frame {
public:
    execution_frame() = default;
    /// @param statement its name; empty for the unnamed one.
    /// @param result_formats in which the columns are asked for.
    /// @param described whether a Describe of the portal comes between Bind and Execute.
    execution_frame(std::string_view statement, std::span<const std::int16_t> result_formats, bool described);

    /// Appends Bind, perhaps Describe, Execute, and Sync.
    /// @param synced false leaves Sync to the caller, who has more to say before it.
    /// @throws argument_error as `parameters::write_bind` and `message_length`; `out` is then as it was.
    void write(std::string& out, const parameters& arguments, const parameter_types& types, bool synced) const;

private:
    std::string before_;      // type and length of Bind, portal and statement
    std::string after_;       // Bind's formats of the results, Describe, Execute, Sync
    std::size_t formats_ = 0; // how many bytes of `after_` still belong to Bind
};

} // namespace tradecore::pg::protocol
