// SPDX-License-Identifier: Apache-2.0
#include "pg/auth/prepared_password.hpp"

#include "pg/auth/secret.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stringprep.h>

namespace tradecore::pg::auth {

namespace {

struct free_secret {
    void operator()(char* text) const noexcept
    {
        forget(text, std::strlen(text));
        std::free(text); // NOLINT(cppcoreguidelines-no-malloc): libidn's
    }
};

} // namespace

std::string prepared_password(std::string_view password)
{
    // Neither the server nor libpq looks at control characters in a text of ASCII alone.
    const bool ascii = std::ranges::all_of(password, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    std::string given(password);
    if (ascii || given.find('\0') != std::string::npos)
        return given;
    char* text = nullptr;
    const int problem = ::stringprep_profile(given.c_str(), &text, "SASLprep", STRINGPREP_NO_UNASSIGNED);
    const std::unique_ptr<char, free_secret> prepared(text);
    if (problem != STRINGPREP_OK || !prepared || *prepared == '\0')
        return given;
    return prepared.get();
}

} // namespace tradecore::pg::auth
