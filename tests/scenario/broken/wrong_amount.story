# fails: wang has 430.00, after
story: One fen too much is expected
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
expect wang has 430.01 within 1s
