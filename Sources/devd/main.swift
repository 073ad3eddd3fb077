print("devd")
