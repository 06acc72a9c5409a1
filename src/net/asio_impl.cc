// The one place that compiles Asio itself: BOOST_ASIO_SEPARATE_COMPILATION is set for all users.
#include <boost/asio/impl/src.hpp>
