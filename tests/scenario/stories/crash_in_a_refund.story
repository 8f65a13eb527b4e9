story: The payer's node dies at PREPARED of a refund: the refund comes out once
about: crash: participant after PREPARED
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
crash east after writing PREPARED
refund r1 50.00 of s1
expect east is down
restart east
expect r1 done
expect r1 says remaining 50.00
expect wang has 480.00
