"""Check mine.reds on a board: pytest test_mine.py --pack mine.reds --target=nano33ble --emulate."""


def test_smallest_subnet_is_at_least_twice_as_fast_as_the_full_network(board, pack):
    board.deploy(pack)
    smallest, full = (board.measure(subnet, n=20) for subnet in ("25%", "100%"))
    assert 2 * smallest.median < full.median
