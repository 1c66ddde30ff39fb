// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

namespace tradecore::test {

/// @returns of all lines of docs/`page` that match `row` as a whole what its groups are.
inline std::vector<std::vector<std::string>> rows_of_page(const std::string& page, const std::string& row)
{
    const std::regex wanted(row);
    std::ifstream lines(TRADECORE_SOURCE_ROOT "/docs/" + page);
    EXPECT_TRUE(lines) << page;
    std::vector<std::vector<std::string>> found;
    std::smatch match;
    for (std::string line; std::getline(lines, line);) {
        if (std::regex_match(line, match, wanted))
            found.emplace_back(std::next(match.begin()), match.end());
    }
    return found;
}

/// @returns the first group of each place in `text` that matches.
inline std::vector<std::string> all_in(const std::string& text, const std::string& place)
{
    const std::regex wanted(place);
    std::vector<std::string> found;
    for (std::sregex_iterator at(text.begin(), text.end(), wanted), end; at != end; ++at)
        found.push_back((*at)[1]);
    return found;
}

} // namespace tradecore::test
