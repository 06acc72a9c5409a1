// The one place that compiles the parts of Beast that http_parser.cc uses:
// BOOST_BEAST_SEPARATE_COMPILATION is set for all of net/.
#include <boost/beast/src.hpp>
