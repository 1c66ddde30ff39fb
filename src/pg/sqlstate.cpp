// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/sqlstate.hpp>

namespace tradecore::pg {

std::string sqlstate::text() const
{
    std::string text(5, '0');
    int rest = value_;
    for (std::size_t i = text.size(); i-- > 0; rest /= 36) {
        text[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[rest % 36];
    }
    return text;
}

} // namespace tradecore::pg
