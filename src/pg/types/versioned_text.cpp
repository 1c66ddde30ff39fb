// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/types/versioned_text.hpp>

namespace tradecore::pg {

std::string_view detail::read_versioned_text(const field& from, std::string_view cpp_type)
{
    auto bytes = from.bytes();
    if (from.format() == wire_format::binary) {
        // 1 to this day.
        if (!bytes.starts_with('\1')) {
            from.refuse(cpp_type, "unknown version of the binary form");
        }
        bytes.remove_prefix(1);
    }
    return bytes;
}

} // namespace tradecore::pg
