"""The paper's tables again, with what ours gives beside them."""
